import type { ConsentRecord } from '../../../src/core/consent/consent-record.js';

const WEIGHT = { granted: '0', pending: '1', denied: '2', withdrawn: '3' } as const;
const DIGITS = 16;

/** Whether a grant holds: the statements are put in order one by one as rules.md 2 says, and the last one is read. */
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
  const last = ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1)).at(-1)?.record;
  return last?.status === 'granted' && (last.expiresAt === null || last.expiresAt > now);
}

/** Texts that sort as the records do: the earlier of the two instants, then the graver word, then the id. */
function rankOf({ statedAt, receivedAt, status, id }: ConsentRecord): string {
  return [String(Math.min(statedAt, receivedAt)).padStart(DIGITS, '0'), WEIGHT[status], id].join(' ');
}
