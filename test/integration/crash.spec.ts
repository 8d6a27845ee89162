import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { AttemptAliveError } from '../../src/modules/steps/index.js';
import { ContactStage, messageRequest, NO_NOISE } from '../support/contact-stage.js';
import { StepProcesses, type StepOrder } from '../support/step-process.js';
import { until } from '../support/until.js';

/** Every write, before and after. Those that are left out otherwise only read, or carry one more piece of a message. */
const IS_COMPLETE = process.env['CRASH_SWEEP'] === 'all';
const AT_ONCE = 2;
/** Of one death: on a busy machine a process may go another way, or send a message in fewer pieces. */
const TRIES_MAX = 5;
const SWEEP_MS_MAX = 1_200_000;
const START_MS_MAX = 120_000;
const GONE_MS_MAX = 60_000;
/** Leaves in several pieces: a process can die with a part of it on the way. */
const BIG_HTML = '<p>0123456789</p>'.repeat(10_000);

const COMMIT = 'Q commit';
const MESSAGE_END = '.';
const isSettle = (write: string): boolean => write.includes('deliveries_settle');
const isAnswer = (write: string): boolean => write.includes('steps_answer');

/** How often the place under the user's lock was taken, or given back. */
const locksIn = (writes: readonly string[]): number =>
  writes.filter((write) => write.includes('contact_state_lock')).length;

type Death = NonNullable<StepOrder['death']>;

/** What is left of a step when everything about it is settled. */
interface Outcome {
  readonly answer: StepAnswer['kind'];
  readonly state: string;
  readonly attempt: number;
  readonly mails: number;
}

const SENT: Outcome = { answer: 'sent', state: 'sent', attempt: 1, mails: 1 };
const PUT_OFF: Outcome = { answer: 'defer', state: 'released', attempt: 1, mails: 0 };
const REFUSED: Outcome = { answer: 'skip', state: 'failed', attempt: 1, mails: 0 };
/** The address is suppressed, which is committed before the answer of the mail server is recorded. */
const NOBODY: Outcome = { answer: 'skip', state: 'bounced', attempt: 1, mails: 0 };

/** What must come of it, by what the process had written when it died and what the mail server does with a message. */
function expectedOutcome(writes: readonly string[], undisturbed: Outcome): Outcome {
  if (!writes.includes(COMMIT)) return undisturbed;
  const commits = writes.filter((write) => write === COMMIT).length;
  if (undisturbed === NOBODY && commits > 1) return undisturbed;
  if (!writes.some(isSettle)) {
    const mails = writes.includes(MESSAGE_END) ? undisturbed.mails : 0;
    return { answer: 'unknown', state: 'unknown', attempt: 1, mails };
  }
  // Given back and not answered: who asks again takes the place once more, and is told the same.
  const isTakenAgain = undisturbed.state === 'released' && !writes.some(isAnswer);
  return isTakenAgain ? { ...undisturbed, attempt: 2 } : undisturbed;
}

/** Before which writes, and right after which, a process is to die. */
function deathsIn(writes: readonly string[], isUndisturbed: boolean): readonly Death[] {
  const at = (isIt: (write: string) => boolean): number => writes.findIndex(isIt) + 1;
  const [commit, settle, answer] = [at((write) => write === COMMIT), at(isSettle), at(isAnswer)];
  expect(commit).toBeGreaterThan(1);
  expect(settle).toBeGreaterThan(commit);
  expect(answer).toBe(writes.length);
  const before = (write: number): Death => ({ write, moment: 'before' });
  const after = (write: number): Death => ({ write, moment: 'after' });
  if (IS_COMPLETE) return writes.flatMap((_, index) => [before(index + 1), after(index + 1)]);
  const recorded = [before(settle), after(settle), before(answer)];
  if (!isUndisturbed) return recorded;
  const end = writes.indexOf(MESSAGE_END) + 1;
  const [greeting, sender, firstPiece] = [commit + 1, commit + 2, commit + 3];
  expect(firstPiece).toBeLessThan(end);
  const claimed = [before(1), before(commit), after(commit)];
  const handedOver = [before(greeting), before(sender), after(firstPiece), before(end), after(end)];
  return [...claimed, ...handedOver, ...recorded];
}

describe('a process that is killed in the middle of a step', () => {
  let stage: ContactStage;
  let processes: StepProcesses;

  beforeAll(async () => {
    stage = await ContactStage.open(1, 4);
    processes = new StepProcesses({ ...NO_NOISE, SMTP_URL: stage.smtp.url });
    await stage.template('hello', [], BIG_HTML);
    await stage.journey('one', 'hello');
    await stage.policy('daily', { limit: 1, window: { kind: 'rolling', duration: 'PT24H' } });
  }, START_MS_MAX);
  afterAll(async () => {
    processes.close();
    await stage.close();
  }, GONE_MS_MAX);

  const mailsTo = (address: string): number => stage.smtp.taken.filter(({ to }) => to === address).length;

  /** Its sessions end by themselves, a little after it: what it had asked for last may still be carried out. */
  async function untilGone(sessionName: string, email: string): Promise<void> {
    const text = 'select from pg_stat_activity where application_name = $1';
    await until(
      async () => (await stage.query(text, sessionName)).length === 0 && !stage.smtp.isServing(email),
      GONE_MS_MAX,
      () => `the end of the sessions of ${sessionName}`,
    );
  }

  /**
   * Kills one process in one step, lets another one ask until the step has its answer, and looks at what is left.
   *
   * @returns what the process wrote; null where it went another way than `whole`
   */
  async function crash(
    localPart: string,
    undisturbed: Outcome,
    death: Death | null,
    whole: readonly string[] | null = null,
  ): Promise<readonly string[] | null> {
    const user = await stage.person({ localPart });
    const [runKey = '', other = ''] = await stage.enter(user.id, 'one', 2);
    const request = messageRequest({ runKey, userId: user.id, journeyKey: 'one' }, 'hello');
    const { writes, answer: told, sessionName } = await processes.run({ request, death });
    await untilGone(sessionName, user.email);
    // Too slow to reach the mail server in time, it gave its place back and took it anew: that is another way.
    if (whole !== null && locksIn(writes) > locksIn(whole)) return null;
    const expected = expectedOutcome(writes, undisturbed);

    const asked = await stage.ask(request).catch((error: unknown) => error);
    if (expected.answer === 'unknown') {
      expect({ death, writes, asked }).toMatchObject({ asked: expect.any(AttemptAliveError) });
      await stage.query(
        `update deliveries set deadline_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
        runKey,
      );
    }
    const answer = await stage.ask(request);
    if (told !== null) expect(answer).toEqual(told);
    const [delivery] = await stage.query<{ state: string; attempt: number; ledger: string }>(
      `select delivery.state, attempt, ledger.state as ledger
        from deliveries delivery join contact_ledger ledger on delivery_id = id where run_key = $1`,
      runKey,
    );
    const { state = '', attempt = 0, ledger = '' } = delivery ?? {};
    const left = { answer: answer.kind, state, attempt, mails: mailsTo(user.email) };
    expect({ death, ...left }).toEqual({ death, ...expected });
    expect(ledger).toBe(state);
    expect(await stage.brokenLinks(user.id)).toEqual([]);
    await expectPlace(user.id, other, state === 'sent' || state === 'unknown');
    expect(mailsTo(user.email)).toBe(left.mails);
    return writes;
  }

  /** Under one a day: another run of the person finds the place taken, or free. */
  async function expectPlace(userId: string, runKey: string, isTaken: boolean): Promise<void> {
    const answer = await stage.ask(messageRequest({ runKey, userId, journeyKey: 'one' }, 'hello'));
    expect('reason' in answer && answer.reason === 'CAP_REACHED').toBe(isTaken);
  }

  it.each([
    ['takes the message', 'person', SENT],
    ['puts it off', 'later', PUT_OFF],
    ['refuses it', 'spam', REFUSED],
    ['refuses the recipient', 'refused', NOBODY],
  ])(
    'leaves what really happened, or an open doubt, and no second mail, where the mail server %s',
    async (_, localPart, undisturbed) => {
      const whole = (await crash(localPart, undisturbed, null)) ?? [];
      const queue = [...deathsIn(whole, undisturbed === SENT)];
      const work = async (): Promise<void> => {
        for (let death = queue.shift(); death !== undefined; death = queue.shift()) {
          const reached = death.moment === 'before' ? death.write - 1 : death.write;
          const tried: (number | undefined)[] = [];
          // A process that lived on, or died elsewhere, would have shown nothing.
          while (!tried.includes(reached) && tried.length < TRIES_MAX) {
            tried.push((await crash(localPart, undisturbed, death, whole))?.length);
          }
          expect({ death, tried }).toEqual({ death, tried: expect.arrayContaining([reached]) });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
    SWEEP_MS_MAX,
  );
});
