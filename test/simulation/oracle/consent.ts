import type { ConsentRecord } from '../../../src/core/consent/consent-record.js';

const WEIGHT = { granted: '0', pending: '1', denied: '2', withdrawn: '3' } as const;
const DIGITS = 16;

/**
 * Whether a grant holds: the statements are heard one by one in the order of rules.md 2. Whatever is no grant ends all
 * grants so far. Who has refused once is believed to permit only by their own word; a contract permits no marketing.
 */
export function isConsented(
  consents: readonly ConsentRecord[],
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
  let standing: ConsentRecord[] = [];
  for (const { record } of ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1))) {
    if (record.status !== 'granted') {
      standing = [];
      hasRefused ||= record.status !== 'pending';
    } else if (record.basis === 'consent' || (record.basis !== 'contract' && !hasRefused)) {
      standing.push(record);
    }
  }
  return standing.some(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/** Texts that sort as the records do: the earlier of the two instants, then the graver word, then the id. */
function rankOf({ statedAt, receivedAt, status, id }: ConsentRecord): string {
  return [String(Math.min(statedAt, receivedAt)).padStart(DIGITS, '0'), WEIGHT[status], id].join(' ');
}
