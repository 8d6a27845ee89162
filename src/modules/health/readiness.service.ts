import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { TemporalHealth } from '../../platform/temporal/temporal.health.js';

const ANSWER_MS_MAX = 3_000;

type Part = 'ok' | 'unavailable';

/** Whether requests can be served now, and what stands in the way. */
export interface Readiness {
  readonly status: Part;
  readonly database: Part;
  readonly temporal: Part;
}

@Injectable()
export class ReadinessService {
  constructor(
    private readonly database: Database,
    private readonly temporal: TemporalHealth,
  ) {}

  /** Never throws, and answers within three seconds: what does not answer by then is not ready. */
  async check(): Promise<Readiness> {
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
