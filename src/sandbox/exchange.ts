import { setTimeout as later } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock/clock.js';
import type { CallbackSender, Report } from './callbacks.js';
import type { RequestFault } from './fault-rules.js';
import type { Fate, Faults, Reaction } from './faults.js';
import { bytesOf, drip, malformed } from './raw-answer.js';
import type { TruthLog } from './truth-log.js';
import type { Answer, DeskName, Message, ProviderName, Verdict, WireRequest } from './wire.js';

/** One provider's way of taking messages, or of answering a question about them. */
export interface Endpoint {
  readonly desk: DeskName;
  judge(request: WireRequest): Verdict | Promise<Verdict>;
  /** The provider's own body for an error that it was told to have. */
  failure(status: number, retryAfterSeconds: number | null): Answer;
}

/** What a provider tells of a message that it took. */
export interface Reporter {
  readonly provider: ProviderName;
  /** From acceptance to the end, in order. */
  stages(ending: Fate['ending']): readonly string[];
  /** @returns null for what the provider does not tell */
  report(message: Message, stage: string, orderMs: number): Report | null;
}

/** Between a request and its answer: faults, the truth log and the callbacks. */
export class Exchange {
  private readonly reporters = new Map<ProviderName, Reporter>();

  constructor(
    private readonly log: TruthLog,
    private readonly faults: Faults,
    private readonly callbacks: CallbackSender,
    private readonly clock: Clock,
  ) {}

  reportBy(reporter: Reporter): void {
    this.reporters.set(reporter.provider, reporter);
  }

  /** Serves an endpoint under a path. */
  route(app: FastifyInstance, method: 'GET' | 'POST' | 'DELETE', url: string, endpoint: Endpoint): void {
    app.route({ method, url, handler: (request, reply) => this.serve(endpoint, request, reply) });
  }

  /** Writes the messages down, then plans what will be told of them. */
  accept(provider: ProviderName, messages: readonly Message[], startedAtMs: number, fault: string | null): void {
    for (const message of messages) {
      const acceptedAtMs = this.log.accept(provider, message, startedAtMs, fault);
      const reporter = this.reporters.get(provider);
      if (reporter === undefined) continue;
      const fate = this.faults.ofMessage(provider, message.recipient);
      const stages = [...reporter.stages(fate.ending), ...fate.reactions];
      this.callbacks.plan(
        stages.flatMap((stage, index) => reporter.report(message, stage, index) ?? []),
        { provider, id: message.id, fate, acceptedAtMs },
      );
    }
  }

  /** Tells something of a message that was accepted before. */
  tell(provider: ProviderName, message: Message, stage: Reaction | Fate['ending']): boolean {
    const report = this.reporters.get(provider)?.report(message, stage, 0) ?? null;
    if (report === null) return false;
    const fate = this.faults.ofMessage(provider, message.recipient);
    this.callbacks.plan([report], { provider, id: message.id, fate, acceptedAtMs: this.clock.now() });
    return true;
  }

  /** Which fault meets a request; asked once for each. */
  faultFor(desk: DeskName, recipients: readonly string[]): ReturnType<Faults['ofRequest']> {
    return this.faults.ofRequest(desk, recipients);
  }

  private async serve(endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | void> {
    const startedAtMs = request.startedAtMs;
    const verdict = await endpoint.judge(wireOf(request));
    const messages = verdict.kind === 'taken' ? verdict.messages : [];
    const recipients = [...new Set(messages.map(({ recipient }) => recipient))];
    const { delayMs, fault } = this.faultFor(endpoint.desk, recipients);
    if (delayMs > 0) await later(delayMs, undefined, { ref: false });
    const instead = insteadOfWork(endpoint, fault);
    if (instead !== null) return instead === 'nothing' ? abandon(reply, fault) : send(reply, instead);
    if (verdict.kind === 'refused') return send(reply, verdict.answer);
    verdict.work?.();
    // A desk that is no provider takes no messages.
    this.accept(endpoint.desk as ProviderName, messages, startedAtMs, fault?.kind ?? null);
    return answer(reply, verdict.answer, fault);
  }
}

/** @returns null when the work is to be done; 'nothing' when nobody is to be told that it was not */
function insteadOfWork(endpoint: Endpoint, fault: RequestFault | null): Answer | 'nothing' | null {
  if (fault === null) return null;
  if (fault.kind === 'timeout_before' || fault.kind === 'reset_before') return 'nothing';
  if (fault.kind === 'rate_limited') {
    const { retry_after_s: seconds } = fault.parameters;
    const { headers, ...failure } = endpoint.failure(429, seconds);
    return { ...failure, headers: { ...headers, 'retry-after': String(seconds) } };
  }
  if (fault.kind !== 'error') return null;
  const { status, body, headers } = fault.parameters;
  const own = endpoint.failure(status, null);
  return { status, headers: { ...own.headers, ...headers }, body: body ?? own.body };
}

async function answer(reply: FastifyReply, given: Answer, fault: RequestFault | null): Promise<FastifyReply | void> {
  if (fault === null) return send(reply, given);
  const { socket } = reply.raw;
  if (socket === null) return;
  switch (fault.kind) {
    case 'timeout_after':
    case 'reset_after':
      return abandon(reply, fault);
    case 'malformed':
      reply.hijack();
      return void socket.end(malformed(given, fault.parameters.part));
    case 'slow_drip':
      reply.hijack();
      await drip(socket, bytesOf(given), fault.parameters);
      return void socket.end();
    case 'timeout_before':
    case 'reset_before':
    case 'error':
    case 'rate_limited':
      throw new Error(`${fault.kind} comes before the work`);
  }
}

/** Says nothing, ever; or hangs up in the hardest way. The client ends a connection on which nothing is said. */
function abandon(reply: FastifyReply, fault: RequestFault | null): void {
  reply.hijack();
  if (fault?.kind === 'reset_before' || fault?.kind === 'reset_after') reply.raw.socket?.resetAndDestroy();
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers })
    .send(body);
}

function wireOf(request: FastifyRequest): WireRequest {
  return {
    method: request.method,
    url: request.raw.url ?? '',
    params: request.params as Readonly<Record<string, string>>,
    query: new URL(request.raw.url ?? '', 'http://sandbox').searchParams,
    headers: request.headers,
    raw: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}
