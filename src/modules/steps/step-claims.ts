import { Injectable } from '@nestjs/common';
import { waitingCandidate } from '../../core/decisions/waiting-candidate.js';
import type { DecisionOutcome } from '../../core/decisions/types.js';
import type { DeliveryState } from '../../core/delivery/delivery-state.js';
import { assert } from '../../core/kernel/assert.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { StepAnswer } from '../../core/journeys/step-answer.js';
import { smsSegments } from '../../core/content/sms-segments.js';
import { isTracked } from '../../core/content/tracking.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { newId } from '../../platform/random/ids.js';
import { DecisionsRepository } from '../decisions/index.js';
import { DeliveriesService, fingerprintOf, type ClaimedDelivery } from '../deliveries/index.js';
import type { RenderedMessage } from './message-renderer.js';
import { PendingRepository } from './pending.repository.js';
import {
  addressOf,
  chosenCandidate,
  StepDecider,
  type Opinion,
  type ReadyOpinion,
  type RenderFaults,
} from './step-decider.js';
import { ContendedError, ReplayOverError } from './step-errors.js';
import { clockDomainOf, type RunStepRequest } from './step-request.js';
import { ATTEMPT_ALIVE_MS, PLACE_HELD_MS } from './step-timing.js';
import { StepsRepository, type StepQuestion } from './steps.repository.js';

const CLAIMABLE: readonly DeliveryState[] = ['released'];
/** Of a message that an operator wants to go out after all. */
const CLAIMABLE_AGAIN: readonly DeliveryState[] = ['released', 'failed'];

export interface ClaimRequest {
  readonly request: RunStepRequest;
  readonly question: StepQuestion;
  readonly idempotencyKey: string;
  /** Used unless an attempt that was given back already has one. */
  readonly deliveryId: string;
  readonly opinion: ReadyOpinion & { readonly faults: RenderFaults };
  /** Key of the account that would carry the message; null where none is to be sent. */
  readonly provider: string | null;
}

export type Claimed =
  /** Nothing is to be sent; the answer is stored. */
  | { readonly kind: 'answered'; readonly answer: StepAnswer }
  /** The contact is taken and counts; the message must leave at once. */
  | {
      readonly kind: 'claimed';
      readonly delivery: ClaimedDelivery;
      readonly message: RenderedMessage;
      readonly decisionId: string;
      readonly now: InstantMs;
      /** Runs since just before the commit. */
      readonly since: Stopwatch;
    }
  /**
   * Under the lock another message won than the one that is rendered, or the question turned out to be in other hands:
   * nothing was written, start over.
   */
  | { readonly kind: 'stale' };

/** The transaction that decides for good. */
@Injectable()
export class StepClaims {
  constructor(
    private readonly database: Database,
    private readonly decider: StepDecider,
    private readonly decisions: DecisionsRepository,
    private readonly deliveries: DeliveriesService,
    private readonly steps: StepsRepository,
    private readonly pending: PendingRepository,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Under the user's lock: reads the clock and the facts anew, asks the same pure gates, and writes decision, delivery
   * and ledger row, all or nothing. Lock and facts are separate statements on purpose, see `DecisionsRepository.lockUser`.
   */
  async claim(claim: ClaimRequest): Promise<Claimed> {
    const claimed = await this.database.transaction((transaction) => this.decideForGood(transaction, claim));
    if (claimed.kind !== 'stale') this.metrics.countDecision(...counted(claimed));
    return claimed;
  }

  private async decideForGood(transaction: Transaction, claim: ClaimRequest): Promise<Claimed> {
    const { run } = claim.request;
    if (!(await this.decisions.lockUser(transaction, run.userId))) throw new Error(`no contact state: ${run.runKey}`);
    // A second asker of this very question would count the first one's contact, and refuse what was just sent.
    const claimable = claim.request.replay === undefined ? CLAIMABLE : CLAIMABLE_AGAIN;
    const isTaken = await this.steps.isTaken(transaction, claim.question, claim.idempotencyKey, claimable);
    if (isTaken) return { kind: 'stale' };
    const opinion = await this.decider.decide(transaction, claim.request, claim.opinion.faults);
    const chosen = chosenCandidate(opinion);
    if (chosen === null) return this.recordSilence(transaction, claim, opinion);
    const { message } = claim.opinion;
    const isRendered =
      message?.candidateKey === chosen.key &&
      // An action may have been given another template: what was judged here is what goes out.
      message.template === chosen.template &&
      message.templateVersion === chosen.templateVersion &&
      message.address === addressOf(opinion.facts.user, chosen.channel) &&
      // Who withdrew the consent to it since then gets the message without.
      (!isTracked(message.tracking) || this.decider.mayTrack(opinion, chosen));
    if (message === null || !isRendered) return { kind: 'stale' };
    return this.recordContact(transaction, claim, opinion, message);
  }

  private async recordSilence(transaction: Transaction, claim: ClaimRequest, opinion: Opinion): Promise<Claimed> {
    const decisionId = await this.append(transaction, claim, opinion);
    await this.keepPlace(transaction, claim, opinion, decisionId);
    const answer = silentAnswer(opinion.decision.outcome, decisionId, claim.request.step.kind);
    await this.steps.insert(transaction, claim.question, {
      decisionId,
      deliveryId: null,
      answer,
      askedAt: opinion.input.now,
    });
    return { kind: 'answered', answer };
  }

  private async recordContact(
    transaction: Transaction,
    claim: ClaimRequest,
    opinion: Opinion,
    message: RenderedMessage,
  ): Promise<Claimed> {
    const candidate = chosenCandidate(opinion);
    if (candidate === null) throw new Error('a contact without a candidate');
    const { request, question, idempotencyKey, deliveryId, provider } = claim;
    assert(provider !== null, `a contact without a provider: ${question.runKey}`);
    if (request.replay !== undefined && !(await request.replay.giveBack(transaction))) {
      throw new ReplayOverError(`nothing more is replayed of ${question.stepId} of ${question.runKey}`);
    }
    const decisionId = await this.append(transaction, claim, opinion);
    const delivery = await this.deliveries.claim(transaction, {
      deliveryId,
      idempotencyKey,
      userId: request.run.userId,
      decisionId,
      runKey: question.runKey,
      stepId: question.stepId,
      visit: question.visit,
      journeyKey: request.run.journeyKey,
      channel: candidate.channel,
      provider,
      action: candidate.key,
      template: message.template,
      templateVersion: message.templateVersion,
      purpose: candidate.purpose,
      tags: candidate.tags,
      isCounted: candidate.legalBasis === 'consent',
      actionGroup: candidate.group,
      address: message.address,
      aliveMs: ATTEMPT_ALIVE_MS,
      clockDomain: clockDomainOf(request),
      claimedAt: opinion.input.now,
      tracking: message.tracking,
      contentHash: fingerprintOf(message.content),
      parts: message.content.channel === 'sms' ? smsSegments(message.content.text).segments : 1,
    });
    if (delivery === null) throw new ContendedError(`another attempt took ${question.stepId} of ${question.runKey}`);
    await this.winPlace(transaction, claim, opinion, decisionId);
    await this.steps.insert(transaction, question, {
      decisionId,
      deliveryId: delivery.deliveryId,
      answer: null,
      askedAt: opinion.input.now,
    });
    return { kind: 'claimed', delivery, message, decisionId, now: opinion.input.now, since: new Stopwatch() };
  }

  /** The place of a run belongs to the step at which it is now: a replay of an earlier one has none. */
  private async winPlace(
    transaction: Transaction,
    { question, request }: ClaimRequest,
    { input }: Opinion,
    decisionId: string,
  ): Promise<void> {
    if (request.replay !== undefined) return;
    const { runKey } = question;
    const { userId } = request.run;
    await this.pending.win(transaction, {
      ...{ runKey, userId, decisionId, now: input.now },
      clockDomain: clockDomainOf(request),
    });
  }

  /** Who waits for an opening is weighed there beside the user's other runs; who no longer waits is not. */
  private async keepPlace(
    transaction: Transaction,
    { question, request }: ClaimRequest,
    { input, decision }: Opinion,
    decisionId: string,
  ): Promise<void> {
    if (request.replay !== undefined) return;
    const { outcome } = decision;
    // Who waits for a better one to have its turn keeps the place that it has.
    if (outcome.kind === 'defer' && outcome.reason === 'LOWER_PRIORITY') return;
    const waiting = waitingCandidate(input, decision);
    if (waiting === null) return this.pending.drop(transaction, question.runKey);
    await this.pending.keep(transaction, {
      question,
      userId: request.run.userId,
      clockDomain: clockDomainOf(request),
      candidate: waiting.candidate,
      opening: waiting.opening,
      passesOnAt: waiting.wakeAt + PLACE_HELD_MS,
      decisionId,
    });
  }

  private async append(transaction: Transaction, claim: ClaimRequest, opinion: Opinion): Promise<string> {
    const id = newId();
    await this.decisions.append(transaction, {
      id,
      userId: claim.request.run.userId,
      source: 'step',
      step: claim.question,
      clockDomain: clockDomainOf(claim.request),
      made: opinion,
    });
    return id;
  }
}

function counted(claimed: Exclude<Claimed, { kind: 'stale' }>): [outcome: string, reason: string | null] {
  if (claimed.kind === 'claimed') return ['act', null];
  const { answer } = claimed;
  return [answer.kind === 'defer' ? 'defer' : 'do_nothing', 'reason' in answer ? answer.reason : null];
}

/** What a decision that sends nothing means to the run. */
export function silentAnswer(
  outcome: DecisionOutcome,
  decisionId: string,
  stepKind: RunStepRequest['step']['kind'],
): StepAnswer {
  switch (outcome.kind) {
    case 'act':
      throw new Error('an action is not silence');
    case 'defer':
      return { kind: 'defer', decisionId, reason: outcome.reason, until: outcome.until };
    case 'do_nothing': {
      const { reason, isPassedOver } = outcome;
      if (stepKind === 'decide') return { kind: 'do_nothing', decisionId, reason };
      return { kind: 'skip', decisionId, reason, ...(isPassedOver === true ? { isPassedOver } : {}) };
    }
  }
}
