import { GPC_PURPOSES } from '../../core/consent/gpc.js';
import type { LegalBasis } from '../../core/kernel/legal-basis.js';
import type { TemplateFault } from './renderer.js';

/**
 * What no contract with the person asks for, so that only the person can permit it: advertising under its two names, and
 * what Global Privacy Control opts out of. Any other purpose is a word of the workspace, which answers for it.
 */
export const PURPOSES_OF_MARKETING: ReadonlySet<string> = new Set(['marketing', 'advertising', ...GPC_PURPOSES]);

/** What a template is for whose author does not say. */
export const purposeOf = ({
  purpose,
  legal_basis: legalBasis,
}: {
  readonly purpose?: string | undefined;
  readonly legal_basis: LegalBasis;
}): string => purpose ?? (legalBasis === 'contract' ? 'transactional' : 'marketing');

/**
 * Why a template may not rest on a contract: messages that do pass consent, quiet hours, caps, fatigue and holdout, so
 * that nothing which advertises may be among them (GDPR art. 6 (1) b and 21 (2)).
 *
 * @param input.promotional the parts, by their paths, in which there is a promotional block
 * @returns a fault for the purpose and one for each of those parts; none for what rests on consent
 */
export function faultsOfContract({
  legalBasis,
  purpose,
  promotional,
}: {
  readonly legalBasis: LegalBasis;
  readonly purpose: string;
  readonly promotional: readonly string[];
}): readonly TemplateFault[] {
  if (legalBasis === 'consent') return [];
  const ofParts = promotional.map((path) => ({ path, message: 'a promotional block needs consent' }));
  if (!PURPOSES_OF_MARKETING.has(purpose)) return ofParts;
  return [{ path: 'purpose', message: `"${purpose}" needs consent, and no contract replaces it` }, ...ofParts];
}
