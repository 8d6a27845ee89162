import { randomUUID } from 'node:crypto';
import { listAll, type Api } from './api.js';
import { forEachLimited, inParts } from './limited.js';
import type { ShopSession } from './online-shoppers.js';
import type { Progress } from './progress.js';
import { referenceOf, toConsents, toEvents, toUser } from './records.js';

/** With at most two statements a person, the statements of one part fit into one request, which is all or nothing. */
const PART_SIZE = 250;
const EVENTS_PER_REQUEST_MAX = 500;
const PARTS_AT_ONCE = 2;

/** What the import did; what was there before was left as it is. */
export interface ImportResult {
  users: number;
  newUsers: number;
  events: number;
  newEvents: number;
  newConsents: number;
}

/**
 * Imports sessions through the REST API as users with their events and consents. Everything has a name of its own
 * (external id, message id), so importing twice, or going on after an interruption, adds nothing twice.
 *
 * @param importedAt the instant from which made-up ages count back
 */
export async function importSessions(
  api: Api,
  population: { readonly seed: number; readonly sessions: readonly ShopSession[]; readonly importedAt: number },
  progress: Progress,
): Promise<ImportResult> {
  const { seed, sessions, importedAt } = population;
  const result: ImportResult = { users: 0, newUsers: 0, events: 0, newEvents: 0, newConsents: 0 };
  await forEachLimited(inParts(sessions, PART_SIZE), PARTS_AT_ONCE, async (part) => {
    const { created } = await putUsers(api, seed, part);
    const events = part.flatMap((session) => toEvents(seed, session, importedAt));
    const { accepted } = await sendEvents(api, events);
    const consents = await recordConsents(api, seed, part, importedAt);
    // Sums only after the last await: another part may have added to them meanwhile.
    result.newConsents += consents;
    result.users += part.length;
    result.newUsers += created;
    result.events += events.length;
    result.newEvents += accepted;
    progress.set(result.users, `${result.events.toLocaleString('en')} events`);
  });
  return result;
}

/**
 * Sends events in requests of the size that the API takes.
 *
 * @returns how many were new; the others were there before
 * @throws Error if one was refused: the demo sends none that may be
 */
export async function sendEvents(api: Api, events: readonly object[]): Promise<{ readonly accepted: number }> {
  let accepted = 0;
  for (const part of inParts(events, EVENTS_PER_REQUEST_MAX)) {
    const { results } = await api.post<{
      readonly results: readonly { readonly status: string; readonly message_id: string; readonly reason?: string }[];
    }>('/api/events', { events: part });
    const refused = results.find(({ status }) => status === 'refused');
    if (refused !== undefined) throw new Error(`event ${refused.message_id} was refused: ${refused.reason ?? ''}`);
    accepted += results.filter(({ status }) => status === 'accepted').length;
  }
  return { accepted };
}

async function putUsers(api: Api, seed: number, part: readonly ShopSession[]): Promise<{ readonly created: number }> {
  const users = part.map((session) => toUser(seed, session));
  const { results } = await api.post<{ readonly results: readonly { readonly status: string }[] }>('/api/users/batch', {
    users,
  });
  return { created: results.filter(({ status }) => status === 'created').length };
}

/** Statements are only ever added, so a part that has been told is left alone: one look at one person of it says so. */
async function recordConsents(
  api: Api,
  seed: number,
  part: readonly ShopSession[],
  importedAt: number,
): Promise<number> {
  const consents = part.flatMap((session) => toConsents(seed, session, importedAt));
  const witness = part.find((session) => toConsents(seed, session, importedAt).length > 0);
  if (witness === undefined) return 0;
  const told = await listAll(api, `/api/consents/${encodeURIComponent(referenceOf(seed, witness))}`);
  if (told.length > 0) return 0;
  await api.post('/api/consents/batch', { consents }, { 'idempotency-key': randomUUID() });
  return consents.length;
}
