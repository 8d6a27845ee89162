import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { Database } from '../../platform/database/database.js';
import { TemporalHealth } from '../../platform/temporal/temporal.health.js';

const ANSWER_MS_MAX = 3_000;
/** Anybody may ask: however often, database and Temporal hear it once in this time. */
const FRESH_MS = 1_000;

type Part = 'ok' | 'unavailable';

/** Whether requests can be served now, and what stands in the way. */
export interface Readiness {
  readonly status: Part;
  readonly database: Part;
  readonly temporal: Part;
}

@Injectable()
export class ReadinessService {
  private last: { readonly age: Stopwatch; readonly answer: Promise<Readiness> } | undefined;

  constructor(
    private readonly database: Database,
    private readonly temporal: TemporalHealth,
  ) {}

  /**
   * Never throws, and answers within three seconds: what does not answer by then is not ready. Questions within a
   * second share one answer.
   */
  check(): Promise<Readiness> {
    if (this.last === undefined || this.last.age.elapsedMs() >= FRESH_MS) {
      this.last = { age: new Stopwatch(), answer: this.ask() };
    }
    return this.last.answer;
  }

  private async ask(): Promise<Readiness> {
    const [database, temporal] = await Promise.all([
      answers(this.database.query({ text: 'select 1' })),
      answers(this.temporal.check()),
    ]);
    const status = database === 'ok' && temporal === 'ok' ? 'ok' : 'unavailable';
    return { status, database, temporal };
  }
}

async function answers(question: Promise<unknown>): Promise<Part> {
  const giveUp = new AbortController();
  const late = setTimeout(ANSWER_MS_MAX, 'unavailable' as const, { signal: giveUp.signal, ref: false });
  const asked = question.then(() => 'ok' as const).catch(() => 'unavailable' as const);
  const part = await Promise.race([asked, late]);
  giveUp.abort();
  late.catch(() => undefined);
  return part;
}
