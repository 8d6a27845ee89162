import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Act } from '../../core/journeys/plan.js';
import type { RunReference } from '../../core/journeys/run-reference.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { stableFraction } from '../../core/kernel/stable-hash.js';
import { Clock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { RunResponses } from '../journeys/index.js';
import { WebhookSender } from '../webhook-endpoints/index.js';
import { delayBeforeNextMs, GIVEN_UP_AFTER_MS } from './acts-timing.js';
import { ActsRepository, type ActResult, type ActSubject, type ActVisit } from './acts.repository.js';

const MESSAGE_TYPE = 'journey.webhook';

/** Nothing came of an attempt, and it may be made again then. */
export interface ActDelay {
  readonly until: InstantMs;
}

/** Tells registered endpoints about a run. An endpoint may hear the same message twice; its id says so. */
@Injectable()
export class WebhookActs {
  constructor(
    private readonly database: Database,
    private readonly acts: ActsRepository,
    private readonly sender: WebhookSender,
    private readonly responses: RunResponses,
    private readonly clock: Clock,
  ) {}

  /**
   * One attempt. Nothing about a person who was erased leaves, nor anything for a run that is to end. What the endpoint
   * answers in JSON is kept for later steps.
   *
   * @returns a delay where the endpoint may take it later; for a day after the first attempt, then it is not done
   */
  async send(
    run: RunReference,
    visit: ActVisit,
    act: Extract<Act, { kind: 'webhook' }>,
  ): Promise<ActResult | ActDelay> {
    const attempt = await this.acts.begin(this.database, visit);
    if (attempt.result !== null) return attempt.result;
    const subject = await this.acts.subject(run.runKey);
    if (subject === null || subject.isErased) return this.giveUp(visit, 'user_gone');
    if (subject.isOver) return this.giveUp(visit, 'run_over');
    const id = messageIdOf(visit);
    const body = JSON.stringify(messageOf({ run, visit, act, subject, at: attempt.startedAt }));
    const outcome = await this.sender.send({ endpoint: act.endpoint, id, body });
    switch (outcome.kind) {
      case 'accepted':
        return this.accept(visit, outcome.response);
      case 'refused':
        return this.giveUp(visit, outcome.because);
      case 'unavailable': {
        const leftMs = GIVEN_UP_AFTER_MS - attempt.sinceMs;
        if (leftMs <= 0) return this.giveUp(visit, outcome.because);
        const spread = stableFraction(`${id} ${attempt.attempts}`);
        const delayMs = delayBeforeNextMs({ attempts: attempt.attempts, askedForMs: outcome.retryAfterMs, spread });
        return { until: this.clock.now() + Math.ceil(Math.min(delayMs, leftMs)) };
      }
    }
  }

  private accept(visit: ActVisit, response: unknown): Promise<ActResult> {
    return this.database.transaction(async (transaction) => {
      if (response !== undefined) {
        await this.responses.store(transaction, { runKey: visit.runKey, stepId: visit.stepId, response });
      }
      return this.acts.finish(transaction, visit, { isDone: true, because: null });
    });
  }

  private giveUp(visit: ActVisit, because: string): Promise<ActResult> {
    return this.acts.finish(this.database, visit, { isDone: false, because });
  }
}

/** The same for every attempt of a visit, also after a reset or a crash; tells nothing about the person. */
function messageIdOf({ runKey, stepId, visit }: ActVisit): string {
  const hash = createHash('sha256').update(JSON.stringify([runKey, stepId, visit]));
  return `msg_${hash.digest('base64url').slice(0, 32)}`;
}

/** What the author adds never takes the place of what we say. */
function messageOf(facts: {
  readonly run: RunReference;
  readonly visit: ActVisit;
  readonly act: Extract<Act, { kind: 'webhook' }>;
  readonly subject: ActSubject;
  /** Of the first attempt: the message stays the same. */
  readonly at: InstantMs;
}): object {
  const { run, visit, act, subject, at } = facts;
  return {
    type: MESSAGE_TYPE,
    timestamp: new Date(at).toISOString(),
    data: {
      ...act.data,
      user_id: run.userId,
      external_id: subject.externalId,
      journey: run.journeyKey,
      run_id: subject.runId,
      step: visit.stepId,
    },
  };
}
