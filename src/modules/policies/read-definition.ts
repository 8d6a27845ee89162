import { z } from 'zod';
import { PolicyDefinition } from './policies.dto.js';
import { isLong } from './quiet-definitions.dto.js';

/** Laws had no `allow_long` at first, and could be long without it. What is written since always has it. */
const FormerLaw = z.looseObject({
  kind: z.literal('legal_overlay'),
  allow_long: z.undefined().optional(),
  start: z.string(),
  end: z.string(),
});

/**
 * A definition as it was stored, with the defaults of fields that were not there when it was written. A long window of a
 * law from before laws had `allow_long` is taken to be meant: it binds as it did.
 *
 * @throws ZodError for a definition that was not written by this feature
 */
export function readDefinition(stored: unknown): PolicyDefinition {
  const law = FormerLaw.safeParse(stored);
  return PolicyDefinition.parse(law.success && isLong(law.data) ? { ...law.data, allow_long: true } : stored);
}
