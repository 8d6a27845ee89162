import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { toProblem } from '../../platform/http/problem.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import { Log } from '../../platform/observability/log.js';
import type { UserReference } from '../users/index.js';
import type { BatchLine } from './batch.dto.js';
import type { ExplanationView } from './decisions.dto.js';
import { DecisionsService, type NextBestActionQuestion } from './decisions.service.js';

const PROGRESS_EVERY_USERS = 500;
const PROGRESS_EVERY_MS = SECOND_MS;
/** Twice what a statement waits for a lock. */
const USER_MS_MAX = 10 * SECOND_MS;
/** How far ahead of the line that is due others may be decided, so that one slow user does not stand in all their way. */
const AHEAD_PER_PLACE = 4;

/** The questions of a batch: the same for every user. */
export interface BatchQuestion extends Omit<NextBestActionQuestion, 'user'> {
  readonly users: readonly UserReference[];
}

type Answer = Extract<BatchLine, { kind: 'decision' | 'error' }>;
type Tally = Omit<Extract<BatchLine, { kind: 'end' }>, 'kind'>;

/** Decides about many users, one after the other as far as the reader can tell, some at once in truth. */
@Injectable()
export class BatchDecisions implements BeforeApplicationShutdown {
  /** Of all batches of this process: the other half of the connections stays for single questions. */
  private readonly places: Semaphore;
  private readonly aheadMax: number;
  private readonly shutdown = new AbortController();

  constructor(
    private readonly decisions: DecisionsService,
    private readonly log: Log,
    @Inject(CONFIG) private readonly config: Pick<Config, 'database' | 'isProduction'>,
  ) {
    const places = Math.max(1, Math.floor(config.database.poolMax / 2));
    this.places = new Semaphore(places);
    this.aheadMax = places * AHEAD_PER_PLACE;
  }

  /** Batches break off without their last line, so that readers know. */
  beforeApplicationShutdown(): void {
    this.shutdown.abort();
  }

  /**
   * The lines of the answer, in the order of the users. Users are taken up only as lines are read, so a slow reader slows
   * the work down; once `signal` is aborted nobody else is decided about.
   *
   * The first user is decided about before this returns: what would go wrong for everybody alike is thrown, not told
   * in the stream.
   *
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED, UnprocessableEntityException TOO_MANY_ACTIONS,
   *   UNKNOWN_REFERENCE, the database's error
   */
  async start(question: BatchQuestion, signal: AbortSignal): Promise<AsyncIterable<BatchLine>> {
    refuseVirtualTime(question.clockDomain, this.config);
    const stop = AbortSignal.any([signal, this.shutdown.signal]);
    const lines = this.lines(question, stop);
    const first = await lines.next();
    return first.done === true ? lines : prepend(first.value, lines);
  }

  private async *lines(question: BatchQuestion, stop: AbortSignal): AsyncGenerator<BatchLine, void, undefined> {
    const { users } = question;
    const tally = { done: 0, acts: 0, defers: 0, silences: 0, errors: 0 };
    const ahead: Promise<Answer>[] = [];
    const pace = new Pace();
    let taken = 0;
    try {
      while (tally.done < users.length) {
        while (taken < users.length && ahead.length < (tally.done === 0 ? 1 : this.aheadMax)) {
          const answer = this.answer(question, taken, stop);
          // It may fail while nobody looks: whoever comes to it hears of it all the same.
          answer.catch(() => undefined);
          ahead.push(answer);
          taken += 1;
        }
        const answer = await pace.orTick(ahead[0]);
        stop.throwIfAborted();
        if (answer !== null) {
          void ahead.shift();
          count(tally, answer);
          yield answer;
        }
        if (pace.isDue(tally.done)) yield { kind: 'progress', done: tally.done, total: users.length };
      }
      yield { kind: 'end', ...tally };
    } finally {
      pace.end();
      await Promise.allSettled(ahead);
    }
  }

  private answer(question: BatchQuestion, index: number, stop: AbortSignal): Promise<Answer> {
    const { users, ...shared } = question;
    const user = users[index];
    if (user === undefined) throw new Error(`no user ${index} in the batch`);
    const reference = textOf(user);
    return new Promise<Answer>((resolve, reject) => {
      // The place stays taken for as long as the work lasts, also when nobody waits for it any more.
      void this.places.run(async () => {
        if (stop.aborted) return reject(stop.reason as Error);
        const late = setTimeout(() => resolve(timedOut(index, reference)), USER_MS_MAX);
        try {
          resolve(toLine(index, reference, await this.decisions.nextBestAction({ ...shared, user })));
        } catch (error) {
          if (index === 0 && concernsAll(error)) reject(error as Error);
          else resolve(this.toError(index, reference, error));
        } finally {
          clearTimeout(late);
        }
      });
    });
  }

  private toError(index: number, reference: string, error: unknown): Answer {
    const { code, detail, status } = toProblem(error, { path: '', errorId: '' });
    if (status >= 500) this.log.error('a user of a batch was not decided about', { index, error });
    return { kind: 'error', index, reference, code, ...(detail === undefined ? {} : { detail }) };
  }
}

/** Says when a line of progress is due: after so many users, or so much time. */
class Pace {
  private watch = new Stopwatch();
  private shownAt = 0;
  private timer: NodeJS.Timeout | undefined;

  /** The answer, or null once progress is due by time. */
  async orTick<T>(answer: Promise<T> | undefined): Promise<T | null> {
    const tick = new Promise<null>((resolve) => {
      const leftMs = Math.max(PROGRESS_EVERY_MS - this.watch.elapsedMs(), 0);
      this.timer = setTimeout(() => resolve(null), leftMs);
    });
    try {
      return await Promise.race([answer ?? null, tick]);
    } finally {
      this.end();
    }
  }

  isDue(done: number): boolean {
    if (done - this.shownAt < PROGRESS_EVERY_USERS && this.watch.elapsedMs() < PROGRESS_EVERY_MS) return false;
    this.shownAt = done;
    this.watch = new Stopwatch();
    return true;
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

async function* prepend(first: BatchLine, rest: AsyncGenerator<BatchLine>): AsyncGenerator<BatchLine, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

function toLine(index: number, reference: string, view: ExplanationView): Answer {
  const { user_id, outcome, action, channel, reason, until, id: decision_id, explanation } = view;
  return {
    kind: 'decision',
    index,
    reference,
    user_id,
    outcome,
    action,
    channel,
    reason,
    until,
    decision_id,
    explanation,
  };
}

function timedOut(index: number, reference: string): Answer {
  const detail = `no answer within ${USER_MS_MAX / SECOND_MS} seconds; it may be recorded all the same`;
  return { kind: 'error', index, reference, code: 'TIMED_OUT', detail };
}

/** Not about this user: the database does not answer, or the question itself cannot be asked. */
function concernsAll(error: unknown): boolean {
  const { status } = toProblem(error, { path: '', errorId: '' });
  return status === 503 || status === 422;
}

function count(tally: { -readonly [Name in keyof Tally]: number }, answer: Answer): void {
  tally.done += 1;
  if (answer.kind === 'error') tally.errors += 1;
  else if (answer.outcome === 'act') tally.acts += 1;
  else if (answer.outcome === 'defer') tally.defers += 1;
  else tally.silences += 1;
}

const textOf = (user: UserReference): string => (user.kind === 'id' ? user.id : `ext:${user.externalId}`);
