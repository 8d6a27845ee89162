import { UnprocessableEntityException } from '@nestjs/common';
import { evidenceKindsOf, expiryOf } from '../../core/consent/expiry.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { NewConsentRow } from './consents.repository.js';

/** A fault of one statement among many, or null. */
interface Fault {
  readonly code: 'EXPIRY_BEYOND_LAW' | 'EVIDENCE_KIND_REQUIRED' | 'SALE_REQUIRED';
  readonly path: string;
  readonly message: string;
}

/** What the law is asked with. */
interface Sources {
  /** Of the database: a purchase that is dated ahead of it is not believed to be later. */
  readonly now: InstantMs;
  /** ISO 3166, by user: the place of the profile, for records that name none. */
  readonly homes: ReadonlyMap<string, string>;
}

/**
 * Ends grants when the law ends them, where the sender does not end them earlier. The records keep the place that they
 * name, also none.
 *
 * @throws UnprocessableEntityException EXPIRY_BEYOND_LAW, EVIDENCE_KIND_REQUIRED, SALE_REQUIRED with the path of each fault
 */
export function withLegalExpiry(records: readonly NewConsentRow[], sources: Sources): readonly NewConsentRow[] {
  const limited = records.map((record) => limit(record, sources));
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
  { now, homes }: Sources,
): { readonly record: NewConsentRow; readonly fault: Fault | null } {
  if (record.status !== 'granted') return { record, fault: null };
  const { basis, evidence } = record;
  if (basis === 'soft_opt_in') return { record, fault: faultOfSoftOptIn(record) };
  const jurisdiction = record.jurisdiction ?? homes.get(record.userId) ?? null;
  const evidenceKind = typeof evidence.kind === 'string' ? evidence.kind : null;
  const kinds = evidenceKindsOf({ basis, jurisdiction });
  if (kinds.length > 0 && !kinds.includes(evidenceKind ?? '')) return { record, fault: faultOfKind(kinds) };
  const stated = record.statedAt ?? now;
  const statedAt = record.clockDomain === 'real' ? Math.min(stated, now) : stated;
  const legal = expiryOf({ basis, jurisdiction, evidenceKind, statedAt });
  if (legal === null) return { record, fault: null };
  if (record.expiresAt === null) return { record: { ...record, expiresAt: legal.expiresAt }, fault: null };
  if (record.expiresAt <= legal.expiresAt) return { record, fault: null };
  const message = `by law it ends at ${new Date(legal.expiresAt).toISOString()} (${legal.rule.source})`;
  return { record, fault: { code: 'EXPIRY_BEYOND_LAW', path: 'expires_at', message } };
}

/** Implied consent lasts as long as what it is implied from: a record that does not say what that was has no end. */
function faultOfKind(kinds: readonly string[]): Fault {
  const message = `by law it lasts according to what it is implied from: name it in evidence.kind, one of ${kinds.join(', ')}`;
  return { code: 'EVIDENCE_KIND_REQUIRED', path: 'evidence.kind', message };
}

/** The soft opt-in exists only for the customer of a sale (directive 2002/58/EC art. 13 (2)): the record names it. */
function faultOfSoftOptIn({ evidence }: NewConsentRow): Fault | null {
  const { sale_id: sale } = evidence;
  if ((typeof sale === 'string' && sale.trim() !== '') || typeof sale === 'number') return null;
  const message = 'a soft opt-in rests on a sale: name it in evidence.sale_id';
  return { code: 'SALE_REQUIRED', path: 'evidence.sale_id', message };
}
