import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { StepAnswer } from '../../core/journeys/step-answer.js';
import { assert } from '../../core/kernel/assert.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Transaction } from '../../platform/database/database.js';
import { repeatWhileUnavailable } from '../../platform/database/while-unavailable.js';
import { newId } from '../../platform/random/ids.js';
import {
  DeliveriesService,
  type DeliveryResult,
  type DeliveryRow,
  type Precedence,
  type ProviderLine,
  type Route,
} from '../deliveries/index.js';
import type { RenderedMessage } from './message-renderer.js';
import { StepClaims, type Claimed, type ClaimRequest } from './step-claims.js';
import { chosenCandidate, StepDecider, type Opinion } from './step-decider.js';
import { AttemptAliveError, ContendedError } from './step-errors.js';
import type { RunStepRequest } from './step-request.js';
import { CLAIM_TO_SEND_MS_MAX, retryAfterMs } from './step-timing.js';
import { StepsRepository, type StepQuestion } from './steps.repository.js';

const CLAIMS_MAX = 5;

interface Attempt extends Omit<ClaimRequest, 'provider'> {
  /** Whether the step gives up after this one. */
  readonly isLast: boolean;
  /** Accounts that could not take the message; the next one is tried without them. */
  readonly without: Set<string>;
}

/**
 * One message or decision of one run, at the instant of sending: known? decide, claim, send, record.
 * Every crash between two of these ends in the same answer, and in no second message.
 */
@Injectable()
export class StepsService {
  constructor(
    private readonly steps: StepsRepository,
    private readonly decider: StepDecider,
    private readonly claims: StepClaims,
    private readonly deliveries: DeliveriesService,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws AttemptAliveError while an attempt of this visit may be under way
   * @throws ReplayOverError where an operator asks, and the replay was called off or its message taken meanwhile
   * @throws ContendedError when the claim lost to concurrent changes too often
   */
  async run(request: RunStepRequest): Promise<StepAnswer> {
    const question = questionOf(request);
    const idempotencyKey = idempotencyKeyOf(question);
    const without = new Set<string>();
    for (let claim = 1; claim <= CLAIMS_MAX; claim += 1) {
      const known = await this.steps.known(question, idempotencyKey);
      if (known.answer !== null) return known.answer;
      const earlier = known.deliveryId === null ? null : await this.deliveries.get(known.deliveryId);
      if (earlier !== null && !isClaimable(request, earlier)) return this.settle(request, earlier);
      const deliveryId = earlier?.id ?? newId();
      const opinion = await this.decider.prepare(request, deliveryId);
      const isLast = claim === CLAIMS_MAX;
      const attempt = { request, question, idempotencyKey, deliveryId, opinion, isLast, without };
      const { message } = opinion;
      const answer =
        message === null
          ? await this.claimAndSend(attempt, null)
          : await this.deliveries.inTurn(
              {
                ...routeOf(message, without),
                ...{ ticket: idempotencyKey, precedence: precedenceOf(request, opinion) },
              },
              (line) => this.claimAndSend(attempt, line),
            );
      if (answer !== null) return answer;
    }
    throw new ContendedError(`step ${question.stepId} of ${question.runKey}: the facts kept changing`);
  }

  /** Notes of refused deliveries that their runs were refused: from here on nothing else becomes their answer. */
  noteRefused(transaction: Transaction, deliveryIds: readonly string[]): Promise<void> {
    return this.steps.answerRefused(transaction, deliveryIds);
  }

  /**
   * @returns null when the step must start over: the facts changed, somebody else took the question, or the claim grew
   *   stale and was given back
   */
  private async claimAndSend(attempt: Attempt, line: ProviderLine | null): Promise<StepAnswer | null> {
    const claimed = await this.claims.claim({ ...attempt, provider: line?.provider ?? null });
    if (claimed.kind === 'answered') return claimed.answer;
    if (claimed.kind === 'stale') return null;
    assert(line !== null, `a contact was claimed without a message: ${attempt.question.runKey}`);
    const { delivery, message, since } = claimed;
    const result = await this.deliveries.send(line, delivery, message, CLAIM_TO_SEND_MS_MAX - since.elapsedMs());
    if (result.kind === 'unavailable' && (await this.hasAnother(attempt, line))) return null;
    return this.toAnswer(attempt, claimed, result);
  }

  private async toAnswer(
    { question, isLast }: Attempt,
    { delivery, message, decisionId, now }: Extract<Claimed, { kind: 'claimed' }>,
    result: DeliveryResult,
  ): Promise<StepAnswer | null> {
    const { deliveryId } = delivery;
    const until = now + retryAfterMs(delivery.attempt);
    switch (result.kind) {
      case 'accepted':
        return this.answer(question, { kind: 'sent', decisionId, deliveryId, action: message.candidateKey });
      case 'rejected':
        return this.answer(question, { kind: 'skip', decisionId, reason: 'PROVIDER_REJECTED' });
      case 'unavailable':
        return this.answer(question, {
          ...{ kind: 'defer', decisionId, reason: 'PROVIDER_UNAVAILABLE' },
          until: Math.max(until, now + (result.retryAfterMs ?? 0)),
        });
      case 'full':
        return this.answer(question, {
          ...{ kind: 'defer', decisionId },
          reason: result.isPaused === true ? 'SENDING_PAUSED' : 'PROVIDER_UNAVAILABLE',
          until: now + result.retryAfterMs,
        });
      case 'late':
        // A provider that is too slow every time is one that cannot take the message now.
        if (!isLast) return null;
        return this.answer(question, { kind: 'defer', decisionId, reason: 'PROVIDER_UNAVAILABLE', until });
      case 'unknown':
        return this.answer(question, { kind: 'unknown', decisionId, deliveryId, reason: 'OUTCOME_UNKNOWN' });
      case 'in_doubt':
        return this.answer(question, {
          ...{ kind: 'defer', decisionId, reason: 'OUTCOME_IN_DOUBT' },
          until: now + result.retryAfterMs,
        });
      case 'stale':
        return null;
    }
  }

  /** Nothing was sent, so that another account may try at once: the claim is made anew, with all its gates. */
  private async hasAnother({ opinion, without, isLast }: Attempt, { provider }: ProviderLine): Promise<boolean> {
    without.add(provider);
    const { message } = opinion;
    return !isLast && message !== null && (await this.deliveries.canTry(routeOf(message, without)));
  }

  /** An earlier attempt exists: its outcome is the answer, and nothing is sent. */
  private async settle(request: RunStepRequest, found: DeliveryRow): Promise<StepAnswer> {
    const question = questionOf(request);
    const { id, aliveForMs, isInDoubt } = found;
    if (found.state === 'sending' && aliveForMs > 0 && !isInDoubt) throw new AttemptAliveError(id, aliveForMs);
    const delivery = found.state === 'sending' ? await this.deliveries.settleOverdue(id) : found;
    if (delivery.state !== 'sending') return this.answer(question, answerOf(delivery));
    // Another attempt took its place meanwhile: its own question carries the answer.
    if (delivery.attempt !== found.attempt) throw new ContendedError(`delivery ${id} is sending again`);
    const retryAfterMs = await this.deliveries.retryAfterMs(id);
    const now = request.clock.kind === 'real' ? this.clock.now() : request.clock.now;
    const { decisionId } = delivery;
    return this.answer(question, { kind: 'defer', decisionId, reason: 'OUTCOME_IN_DOUBT', until: now + retryAfterMs });
  }

  private answer(question: StepQuestion, answer: StepAnswer): Promise<StepAnswer> {
    return repeatWhileUnavailable(() => this.steps.answer(question, answer));
  }
}

function answerOf({ id, state, decisionId, action, providerMessageId }: DeliveryRow): StepAnswer {
  switch (state) {
    case 'bounced':
      // What the provider never took: it refused the recipient, and the process died before it noted the answer.
      if (providerMessageId === null) return { kind: 'skip', decisionId, reason: 'PROVIDER_REJECTED' };
      return { kind: 'sent', decisionId, deliveryId: id, action };
    case 'sent':
    case 'delivered':
    case 'complained':
      return { kind: 'sent', decisionId, deliveryId: id, action };
    case 'failed':
      return { kind: 'skip', decisionId, reason: 'PROVIDER_REJECTED' };
    case 'unknown':
      return { kind: 'unknown', decisionId, deliveryId: id, reason: 'OUTCOME_UNKNOWN' };
    case 'sending':
    case 'released':
      // Another attempt took the place of the one that was settled here: its own question carries the answer.
      throw new ContendedError(`delivery ${id} is ${state} again`);
  }
}

const routeOf = ({ content, address }: RenderedMessage, without: ReadonlySet<string>): Route => ({
  channel: content.channel,
  address,
  without,
});

const precedenceOf = ({ run, clock }: RunStepRequest, opinion: Opinion): Precedence => ({
  lane: run.journeyKey,
  isVirtual: clock.kind !== 'real',
  isMarketing: chosenCandidate(opinion)?.legalBasis !== 'contract',
});

const questionOf = ({ run, step, visit, ask }: RunStepRequest): StepQuestion => ({
  runKey: run.runKey,
  stepId: step.id,
  visit,
  ask,
});

/** Whether the delivery of the visit is there for this question to be claimed. */
const isClaimable = ({ replay }: RunStepRequest, { state, attempt }: DeliveryRow): boolean =>
  state === 'released' || (state === 'failed' && attempt === replay?.failedAttempt);

/** Never the Temporal run id, the attempt or a random value: a reset or a replay must find the same delivery. */
const idempotencyKeyOf = ({ runKey, stepId, visit }: StepQuestion): string =>
  createHash('sha256')
    .update(JSON.stringify([runKey, stepId, visit]))
    .digest('hex');
