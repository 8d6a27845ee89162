import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseDuration } from '../../core/kernel/duration.js';
import { SECOND_MS, type InstantMs } from '../../core/kernel/instant.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import type { Database } from '../../platform/database/database.js';
import { userReference } from '../users/index.js';
import type { ChainReport, DecisionVerifier, VerifyProgress } from './verify-walk.js';

const HELP = `usage: npm run verify:decisions [-- --user <reference>] [--since <instant or duration>]

Checks the stored decisions: the hash chain of each user, the columns beside each record, and that each decision can be
made again from its record, bit for bit. Ends with 0 when nothing is wrong, else with 1.

  --user   only this user: a UUID, or ext: and an external id
  --since  only users with decisions recorded since then, e.g. 2027-06-01T00:00:00Z or P7D (the last seven days); older
           decisions of theirs are checked by their hashes only`;
const PROGRESS_EVERY_MS = 3 * SECOND_MS;

export interface VerifyOutput {
  readonly print: (line: string) => void;
  /** Beside the result, for a person who waits. */
  readonly printProgress: (line: string) => void;
}

/**
 * The command `verify:decisions`.
 *
 * @returns the exit code: 0 when nothing is wrong
 * @throws Error that says which argument is wrong and what was expected
 */
export async function verifyCommand(
  givenArguments: readonly string[],
  output: VerifyOutput,
  by: { readonly verifier: DecisionVerifier; readonly database: Database; readonly now: InstantMs },
): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...givenArguments],
    options: { user: { type: 'string' }, since: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    output.print(HELP);
    return 0;
  }
  const since = values.since === undefined ? null : toInstant(values.since, by.now);
  const sum =
    values.user === undefined
      ? await verifyAll(by.verifier, since, output)
      : await verifyOne(by.verifier, await findUser(by.database, values.user), since, output);
  output.print(`${sum.decisions} decisions of ${sum.users} users verified, ${sum.faults} faults`);
  return sum.faults === 0 ? 0 : 1;
}

async function verifyAll(
  verifier: DecisionVerifier,
  since: InstantMs | null,
  { print, printProgress }: VerifyOutput,
): Promise<VerifyProgress> {
  let watch = new Stopwatch();
  return verifier.verifyAll(since, (report, { users, decisions, faults }) => {
    printFaults(report, print);
    if (watch.elapsedMs() < PROGRESS_EVERY_MS) return;
    printProgress(`${decisions} decisions of ${users} users so far, ${faults} faults`);
    watch = new Stopwatch();
  });
}

async function verifyOne(
  verifier: DecisionVerifier,
  userId: string,
  since: InstantMs | null,
  { print }: VerifyOutput,
): Promise<VerifyProgress> {
  const report = await verifier.verifyUser(userId, since);
  if (report === null) throw new Error(`--user: there is no such user`);
  printFaults(report, print);
  const { decisions, madeAgain, faultCount: faults } = report;
  return { users: 1, decisions, madeAgain, faults };
}

function printFaults({ userId, faults, faultCount }: ChainReport, print: (line: string) => void): void {
  for (const { decisionId, kind, detail } of faults) {
    const about = decisionId === null ? `user ${userId}` : `decision ${decisionId} of user ${userId}`;
    print(`FAULT ${kind}: ${about}: ${detail}`);
  }
  if (faultCount > faults.length) print(`FAULT: ${faultCount - faults.length} more of user ${userId}`);
}

async function findUser(database: Database, text: string): Promise<string> {
  const reference = userReference.safeParse(text);
  if (!reference.success) throw new Error(`--user ${text}: a UUID, or ext: and an external id, was expected`);
  if (reference.data.kind === 'id') return reference.data.id;
  const statement = { text: 'select id from users where external_id = $1', values: [reference.data.externalId] };
  const [user] = await database.query<{ id: string }>(statement);
  if (user === undefined) throw new Error(`--user ${text}: there is no such user`);
  return user.id;
}

function toInstant(text: string, now: InstantMs): InstantMs {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return now - durationMs;
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) {
    throw new Error(
      `--since ${text}: an instant such as 2027-06-01T00:00:00Z, or a duration such as P7D, was expected`,
    );
  }
  return Date.parse(text);
}
