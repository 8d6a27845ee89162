import { UnprocessableEntityException } from '@nestjs/common';
import { expiryOf } from '../../core/consent/expiry.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { NewConsentRow } from './consents.repository.js';

/** A fault of one statement among many, or null. */
interface Fault {
  readonly code: 'EXPIRY_BEYOND_LAW' | 'SALE_REQUIRED';
  readonly path: string;
  readonly message: string;
}

/**
 * Ends grants when the law ends them, where the sender does not end them earlier.
 *
 * @param now of the database: a purchase that is dated ahead of it is not believed to be later
 * @throws UnprocessableEntityException EXPIRY_BEYOND_LAW, SALE_REQUIRED with the path of each fault
 */
export function withLegalExpiry(records: readonly NewConsentRow[], now: InstantMs): readonly NewConsentRow[] {
  const limited = records.map((record) => limit(record, now));
  const faults = limited.flatMap(({ fault }, index) =>
    fault === null ? [] : [{ ...fault, path: records.length === 1 ? fault.path : `consents[${index}].${fault.path}` }],
  );
  const [first] = faults;
  if (first === undefined) return limited.map(({ record }) => record);
  const errors = faults.map(({ path, message }) => ({ path, message }));
  throw new UnprocessableEntityException({ code: first.code, detail: first.message, errors });
}

function limit(
  record: NewConsentRow,
  now: InstantMs,
): { readonly record: NewConsentRow; readonly fault: Fault | null } {
  if (record.status !== 'granted') return { record, fault: null };
  if (record.basis === 'soft_opt_in') return { record, fault: faultOfSoftOptIn(record) };
  const { kind } = record.evidence;
  const stated = record.statedAt ?? now;
  const legal = expiryOf({
    basis: record.basis,
    jurisdiction: record.jurisdiction,
    evidenceKind: typeof kind === 'string' ? kind : null,
    statedAt: record.clockDomain === 'real' ? Math.min(stated, now) : stated,
  });
  if (legal === null) return { record, fault: null };
  if (record.expiresAt === null) return { record: { ...record, expiresAt: legal.expiresAt }, fault: null };
  if (record.expiresAt <= legal.expiresAt) return { record, fault: null };
  const message = `by law it ends at ${new Date(legal.expiresAt).toISOString()} (${legal.rule.source})`;
  return { record, fault: { code: 'EXPIRY_BEYOND_LAW', path: 'expires_at', message } };
}

/** The soft opt-in exists only for the customer of a sale (directive 2002/58/EC art. 13 (2)): the record names it. */
function faultOfSoftOptIn({ evidence }: NewConsentRow): Fault | null {
  const { sale_id: sale } = evidence;
  if ((typeof sale === 'string' && sale.trim() !== '') || typeof sale === 'number') return null;
  const message = 'a soft opt-in rests on a sale: name it in evidence.sale_id';
  return { code: 'SALE_REQUIRED', path: 'evidence.sale_id', message };
}
