import { shuffled, type Fate } from './faults.js';
import { request, type Publisher } from './publisher.js';
import type { CallbackRecord, TruthLog } from './truth-log.js';
import type { ProviderName } from './wire.js';

/** One thing that a provider tells of a message. */
export interface Report {
  readonly name: string;
  /** Null: nobody asked to be told. */
  readonly url: string | null;
  readonly event: (atMs: number) => unknown;
  /** Happens at its time, whoever is told or not. */
  readonly onDue?: () => void;
}

interface Due {
  readonly id: string;
  readonly name: string;
  readonly event: unknown;
}

/** Something that happens to a message at its time. */
interface Step {
  /** Since acceptance. */
  readonly atMs: number;
  act(): void;
}

/** Of one request to one address. */
interface Post {
  readonly publisher: Publisher;
  readonly url: string;
  readonly events: readonly Due[];
  readonly attempt: number;
}

export interface Timing {
  /** Between two things that a provider tells of one message. */
  readonly delay_ms: number;
  /** 1: retries come when the provider's would. */
  readonly retry_time_scale: number;
}

const IN_FLIGHT_MAX = 64;

/** Posts what providers tell, and posts it again as each of them would. */
export class CallbackSender {
  private readonly publishers = new Map<ProviderName, Publisher>();
  private readonly gathering = new Map<string, Due[]>();
  private readonly ready: Post[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private inFlight = 0;
  private sent = 0;
  private planned = 0;
  private isClosed = false;

  constructor(
    private readonly log: TruthLog,
    private readonly timing: () => Timing,
  ) {}

  publishBy(publisher: Publisher): void {
    this.publishers.set(publisher.provider, publisher);
  }

  /** Requests that are still to come or under way; 0 when everything has been told, or given up. */
  get pending(): number {
    return this.planned + this.ready.length + this.inFlight;
  }

  /** Tells the reports one after the other, as the message's fate wants it. */
  plan(
    reports: readonly Report[],
    message: {
      readonly provider: ProviderName;
      readonly id: string;
      readonly fate: Fate;
      readonly acceptedAtMs: number;
    },
  ): void {
    const { delay_ms } = this.timing();
    const { delayMs, copies, isDropped, orderSeed } = message.fate.callbacks;
    const timed = reports.map((report, index) => ({ report, atMs: delay_ms * (index + 1) }));
    const dues = timed.flatMap(({ report: { name, url, event }, atMs }) =>
      url === null || isDropped ? [] : [{ url, id: message.id, name, event: event(message.acceptedAtMs + atMs) }],
    );
    const told = orderSeed === null ? dues : shuffled(dues, orderSeed);
    const posts = told.flatMap(({ url, ...due }, index) =>
      Array.from({ length: copies }, (): Step => ({
        atMs: delay_ms * (index + 1) + delayMs,
        act: () => {
          this.planned -= 1;
          this.post(message.provider, url, due);
        },
      })),
    );
    this.planned += posts.length;
    const changes = timed.flatMap(({ report: { onDue }, atMs }): Step[] =>
      onDue === undefined ? [] : [{ atMs, act: onDue }],
    );
    this.walk(
      [...changes, ...posts].toSorted((one, other) => one.atMs - other.atMs),
      0,
    );
  }

  /** One after the other: timers that are late keep no order among themselves. */
  private walk([step, ...rest]: readonly Step[], fromMs: number): void {
    if (step === undefined) return;
    this.after(step.atMs - fromMs, () => {
      step.act();
      this.walk(rest, step.atMs);
    });
  }

  /** Posts one event, alone or with others for the same address. */
  post(provider: ProviderName, url: string, due: Due): void {
    const publisher = this.publishers.get(provider);
    if (publisher === undefined) throw new Error(`${provider} calls nobody back`);
    this.planned += 1;
    const key = `${provider} ${url}`;
    const gathered = this.gathering.get(key) ?? [];
    gathered.push(due);
    if (gathered.length === 1) this.gathering.set(key, gathered);
    if (gathered.length >= publisher.batchMax) this.flush(key, publisher, url);
    else if (gathered.length === 1) this.after(publisher.batchWaitMs, () => this.flush(key, publisher, url));
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private flush(key: string, publisher: Publisher, url: string): void {
    const events = this.gathering.get(key) ?? [];
    if (events.length === 0) return;
    this.gathering.delete(key);
    this.planned -= events.length;
    this.ready.push({ publisher, url, events, attempt: 1 });
    this.pump();
  }

  private pump(): void {
    while (this.inFlight < IN_FLIGHT_MAX && !this.isClosed) {
      const post = this.ready.shift();
      if (post === undefined) return;
      this.inFlight += 1;
      void this.attempt(post).finally(() => {
        this.inFlight -= 1;
        this.pump();
      });
    }
  }

  private async attempt(post: Post): Promise<void> {
    const { publisher, url, events, attempt } = post;
    this.sent += 1;
    const order = this.sent;
    const { headers, body } = publisher.render(
      events.map(({ event }) => event),
      url,
    );
    const result = await request(url, { headers, body, timeoutMs: publisher.timeoutMs });
    if (this.isClosed) return;
    const names = events.map(({ name }) => name);
    const wait = publisher.nextInMs(attempt, result, { url, names });
    const record: CallbackRecord = {
      provider: publisher.provider,
      names,
      ids: events.map(({ id }) => id),
      url,
      order,
      attempt,
      status: result.status,
      error: result.error,
      next_in_ms: wait,
      body,
    };
    this.log.callback(record);
    if (wait === null) return;
    this.planned += 1;
    this.after(wait * this.timing().retry_time_scale, () => {
      this.planned -= 1;
      this.ready.push({ ...post, attempt: attempt + 1 });
      this.pump();
    });
  }

  private after(delayMs: number, act: () => void): void {
    if (this.isClosed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, delayMs);
    this.timers.add(timer);
  }
}
