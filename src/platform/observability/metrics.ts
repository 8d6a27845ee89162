import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

const HTTP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What Prometheus can read of this process. Labels come from closed lists: never an id, an address or a free text. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  private readonly httpSeconds = new Histogram({
    name: 'tactful_http_request_seconds',
    help: 'Time from the first byte of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: HTTP_SECONDS,
    registers: [this.registry],
  });

  private readonly eventsTotal = new Counter({
    name: 'tactful_events_total',
    help: 'Events of users by what became of them.',
    labelNames: ['status'],
    registers: [this.registry],
  });

  private readonly consentsTotal = new Counter({
    name: 'tactful_consent_records_total',
    help: 'Consent records by status.',
    labelNames: ['status'],
    registers: [this.registry],
  });

  private readonly decisionsTotal = new Counter({
    name: 'tactful_decisions_total',
    help: 'Decisions by outcome and, where nothing was sent, reason.',
    labelNames: ['outcome', 'reason'],
    registers: [this.registry],
  });

  private readonly deliveriesTotal = new Counter({
    name: 'tactful_deliveries_total',
    help: 'Deliveries by channel and the state that they reached.',
    labelNames: ['channel', 'state'],
    registers: [this.registry],
  });

  private readonly hitsTotal = new Counter({
    name: 'tactful_tracking_hits_total',
    help: 'Clicks and openings of tracked messages by what became of them; `lost` ones could not be recorded.',
    labelNames: ['kind', 'result'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  countRequest(facts: { method: string; route: string; status: number; seconds: number }): void {
    const { method, route, status, seconds } = facts;
    this.httpSeconds.observe({ method, route, status: String(status) }, seconds);
  }

  countEvents(status: 'accepted' | 'duplicate' | 'refused', count: number): void {
    if (count > 0) this.eventsTotal.inc({ status }, count);
  }

  countConsent(status: string): void {
    this.consentsTotal.inc({ status });
  }

  countDecision(outcome: string, reason: string | null): void {
    this.decisionsTotal.inc({ outcome, reason: reason ?? '' });
  }

  countDelivery(channel: string, state: string): void {
    this.deliveriesTotal.inc({ channel, state });
  }

  countHit(kind: 'clicked' | 'opened', result: 'recorded' | 'unwanted' | 'unknown' | 'lost'): void {
    this.hitsTotal.inc({ kind, result });
  }

  /** Everything in the text format of Prometheus. */
  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}
