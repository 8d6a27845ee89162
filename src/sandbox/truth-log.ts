import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Clock } from '../platform/clock/clock.js';
import type { Message, ProviderName } from './wire.js';

/** Where an accepted message lies in the file, and by what it is found. */
interface Place {
  readonly seq: number;
  readonly provider: ProviderName;
  readonly kind: 'accepted' | 'callback';
  readonly id: string;
  readonly recipient: string;
  readonly key: string | null;
  readonly atMs: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface Search {
  readonly kind: Place['kind'];
  readonly provider: ProviderName | null;
  readonly recipient: string | null;
  readonly key: string | null;
  /** Entries with a greater `seq`. */
  readonly after: number;
  readonly limit: number;
}

export interface Found {
  readonly items: readonly unknown[];
  /** For the next page; null at the end. */
  readonly next_after: number | null;
  /** Of all pages. */
  readonly count: number;
}

/** What the sandbox had of one callback, as it is written down. */
export interface CallbackRecord {
  readonly provider: ProviderName;
  /** Of each event in the request. */
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly url: string;
  /** Which request it was of all that the sandbox has sent; the log has them in the order of their answers. */
  readonly order: number;
  /** From 1. */
  readonly attempt: number;
  readonly status: number | null;
  readonly error: string | null;
  /** Null when it is over. */
  readonly next_in_ms: number | null;
  readonly body: string;
}

/**
 * What was accepted and what was called back: one JSON object a line, appended to a file and never changed. An accepted
 * message is in the file before anybody is told.
 */
export class TruthLog {
  private readonly file: number;
  private readonly places: Place[] = [];
  private offset: number;

  constructor(
    filename: string,
    private readonly clock: Clock,
  ) {
    this.file = openSync(filename, 'a+');
    this.offset = fstatSync(this.file).size;
  }

  /**
   * @param startedAtMs when the head of the request had been read
   * @returns the instant of acceptance
   */
  accept(provider: ProviderName, message: Message, startedAtMs: number, fault: string | null): number {
    const atMs = this.clock.now();
    const { id, recipient, key } = message;
    const more = { started_at: iso(startedAtMs), accepted_at: iso(atMs), fault };
    this.append({ kind: 'accepted', provider, id, recipient, key, atMs }, { ...message, ...more });
    return atMs;
  }

  callback(record: CallbackRecord): void {
    const atMs = this.clock.now();
    const place = { kind: 'callback', provider: record.provider, recipient: '', key: null, atMs } as const;
    this.append({ ...place, id: record.ids.join() }, { ...record, at: iso(atMs) });
  }

  search({ kind, provider, recipient, key, after, limit }: Search): Found {
    const all = this.places.filter(
      (place) =>
        place.kind === kind &&
        (provider === null || place.provider === provider) &&
        (recipient === null || place.recipient === recipient) &&
        (key === null || place.key === key),
    );
    const rest = all.filter(({ seq }) => seq > after);
    const page = rest.slice(0, limit);
    return {
      items: page.map((place) => this.read(place)),
      next_after: rest.length > limit ? (page.at(-1)?.seq ?? null) : null,
      count: all.length,
    };
  }

  /** The newest accepted message with the provider's id; to one recipient, where the id is shared. */
  message(provider: ProviderName, id: string, recipient: string | null): Message | undefined {
    const place = this.places.findLast(
      (candidate) =>
        candidate.kind === 'accepted' &&
        candidate.provider === provider &&
        candidate.id === id &&
        (recipient === null || candidate.recipient === recipient),
    );
    return place === undefined ? undefined : (this.read(place) as Message);
  }

  /** How many messages were accepted, by provider. */
  counts(): Readonly<Partial<Record<ProviderName, number>>> {
    const counts: Partial<Record<ProviderName, number>> = {};
    for (const { kind, provider } of this.places) {
      if (kind === 'accepted') counts[provider] = (counts[provider] ?? 0) + 1;
    }
    return counts;
  }

  /** The most acceptances within any `windowMs` (half-open), and when that window began. */
  busiestWindow(provider: ProviderName, windowMs: number): { readonly count: number; readonly from: string | null } {
    const instants = this.places
      .filter((place) => place.kind === 'accepted' && place.provider === provider)
      .map(({ atMs }) => atMs)
      .sort((a, b) => a - b);
    let first = 0;
    let busiest: { count: number; from: string | null } = { count: 0, from: null };
    for (const [last, atMs] of instants.entries()) {
      while (atMs - (instants[first] ?? atMs) >= windowMs) first += 1;
      if (last - first + 1 > busiest.count) busiest = { count: last - first + 1, from: iso(instants[first] ?? atMs) };
    }
    return busiest;
  }

  close(): void {
    closeSync(this.file);
  }

  private append(place: Omit<Place, 'seq' | 'offset' | 'bytes'>, entry: object): void {
    const seq = this.places.length + 1;
    const line = Buffer.from(`${JSON.stringify({ seq, kind: place.kind, provider: place.provider, ...entry })}\n`);
    writeSync(this.file, line);
    this.places.push({ ...place, seq, offset: this.offset, bytes: line.length });
    this.offset += line.length;
  }

  private read({ offset, bytes }: Place): unknown {
    const line = Buffer.alloc(bytes);
    readSync(this.file, line, 0, bytes, offset);
    return JSON.parse(line.toString('utf8'));
  }
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
