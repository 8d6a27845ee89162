import type { ConsentRow } from '../model.js';

const WEIGHT = { granted: '0', pending: '1', denied: '2', withdrawn: '3' } as const;
const DIGITS = 16;

/**
 * Whether a grant holds: the statements are heard one by one in the order of rules.md 2. Whatever is no grant ends all
 * grants so far. Who has refused once is believed to permit only by their own word; a contract permits no marketing.
 */
export function isConsented(
  consents: readonly ConsentRow[],
  about: { readonly purpose: string; readonly channel: string; readonly brand: string },
  now: number,
): boolean {
  const speaking = consents.filter(
    (record) =>
      [about.purpose, '*'].includes(record.purpose) &&
      [about.channel, '*'].includes(record.channel) &&
      [about.brand, '*'].includes(record.brand) &&
      // A grant dated in the future beats nothing.
      !(record.status === 'granted' && (record.statedAt > now || record.receivedAt > now)),
  );
  const ranked = speaking.map((record) => ({ record, rank: rankOf(record) }));
  let hasRefused = false;
  let standing: ConsentRow[] = [];
  for (const { record } of ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1))) {
    if (record.status !== 'granted') {
      standing = [];
      hasRefused ||= record.status !== 'pending';
    } else if (record.basis === 'consent' || (record.basis !== 'contract' && !hasRefused)) {
      standing.push(record);
    }
  }
  return standing.some((record) => (record.expiresAt === null || record.expiresAt > now) && now < endByLaw(record));
}

/** Canada's anti-spam law is in force since this day. */
const CASL_BEGAN = Date.parse('2014-07-01');

/** By that law what is implied from a purchase lasts two years, from an inquiry six months. */
function endByLaw({ basis, impliedFrom, statedAt, receivedAt }: ConsentRow): number {
  if (basis !== 'implied' || impliedFrom === undefined || !`${impliedFrom.place}-`.startsWith('CA-')) return Infinity;
  const began = new Date(Math.min(statedAt, receivedAt));
  const months = began.getUTCMonth() + (impliedFrom.evidenceKind === 'purchase' ? 24 : 6);
  const monthEnd = new Date(Date.UTC(began.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const midnight = Date.UTC(began.getUTCFullYear(), months, Math.min(began.getUTCDate(), monthEnd));
  return Math.max(midnight + (began.getTime() % 86_400_000), CASL_BEGAN);
}

/** Texts that sort as the records do: the earlier of the two instants, then the graver word, then the id. */
function rankOf({ statedAt, receivedAt, status, id }: ConsentRow): string {
  return [String(Math.min(statedAt, receivedAt)).padStart(DIGITS, '0'), WEIGHT[status], id].join(' ');
}
