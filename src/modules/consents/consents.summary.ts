import { foldConsent } from '../../core/consent/fold-consent.js';
import { gateConsent } from '../../core/consent/gate-consent.js';
import { isObjecting } from '../../core/consent/objection.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { ConsentSummaryView } from './consents.dto.js';
import type { ConsentRow } from './consents.repository.js';

/** What a person's statements amount to at `now`: one line for each purpose, channel and brand that was ever named. */
export function summarise(records: readonly ConsentRow[], now: InstantMs): Omit<ConsentSummaryView, 'user_id'> {
  const named = new Map(records.map((row) => [`${row.purpose} ${row.channel} ${row.brand}`, row]));
  const subjects = [...named].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
  const jurisdictions = records.map(({ jurisdiction }) => jurisdiction).filter((code) => code !== null);
  return {
    as_of: new Date(now).toISOString(),
    is_objecting: isObjecting({ consents: records, now }),
    jurisdictions: [...new Set(jurisdictions)].sort(),
    consents: subjects.map((subject) => lineOf(records, subject, now)),
  };
}

function lineOf(
  consents: readonly ConsentRow[],
  { purpose, channel, brand }: ConsentRow,
  now: InstantMs,
): ConsentSummaryView['consents'][number] {
  const question = { consents, purpose, channel, brand, now };
  const verdict = gateConsent({ ...question, legalBasis: 'consent' });
  const deciding = consents.find(({ id }) => id === foldConsent(question)?.id);
  const expiresAt = deciding?.expiresAt ?? null;
  return {
    purpose,
    channel,
    brand,
    is_allowed: verdict.kind === 'pass',
    reason: verdict.kind === 'pass' ? null : verdict.reason,
    basis: verdict.kind === 'pass' ? verdict.basis : null,
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    jurisdiction: deciding?.jurisdiction ?? null,
    is_objection: deciding?.isObjection ?? false,
    record_id: verdict.recordId,
  };
}
