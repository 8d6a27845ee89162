import { Injectable } from '@nestjs/common';
import { decide } from '../../core/decisions/decide.js';
import type { Candidate, Decision, DecisionInput } from '../../core/decisions/types.js';
import { isPersonChannel } from '../../core/delivery/person-channel.js';
import type { DurationMs } from '../../core/kernel/instant.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { Database, type Queryable } from '../../platform/database/database.js';
import { DecisionInputs, type InputQuery, type Material } from '../decisions/index.js';
import { JourneyVersions } from '../journeys/index.js';
import { MessageTracking } from '../tracking/index.js';
import { attributesOf } from '../users/index.js';
import { MessageRenderer, type RenderedMessage } from './message-renderer.js';
import { contextOf, weighsOf } from './run-answers.js';
import { clockDomainOf, type RunStepRequest } from './step-request.js';

/** A decision with what it rests on. */
export interface Opinion extends Material {
  readonly decision: Decision;
}

/** An opinion whose message, if there is one to send, is ready. */
export interface ReadyOpinion extends Opinion {
  readonly message: RenderedMessage | null;
}

/** Candidates whose message could not be rendered, with the fault: they are out of the running. */
export type RenderFaults = ReadonlyMap<string, string>;

/** Asks the pure core what to do in one step, with facts read by whichever connection is handed in. */
@Injectable()
export class StepDecider {
  constructor(
    private readonly database: Database,
    private readonly inputs: DecisionInputs,
    private readonly versions: JourneyVersions,
    private readonly renderer: MessageRenderer,
    private readonly tracking: MessageTracking,
  ) {}

  /**
   * A first opinion without a lock, with the message rendered. A candidate that cannot be rendered is refused and the
   * rest is weighed again, so the loop is bounded by the number of candidates.
   */
  async prepare(
    request: RunStepRequest,
    deliveryId: string,
  ): Promise<ReadyOpinion & { readonly faults: RenderFaults }> {
    const faults = new Map<string, string>();
    for (;;) {
      const opinion = await this.decide(this.database, request, faults);
      const chosen = chosenCandidate(opinion);
      if (chosen === null || opinion.facts.user === null) return { ...opinion, message: null, faults };
      const rendered = await this.renderer.render({
        candidate: chosen,
        user: { id: request.run.userId, ...attributesOf(opinion.facts.user) },
        address: addressOf(opinion.facts.user, chosen.channel) ?? '',
        run: request.run,
        deliveryId,
        stepId: request.step.id,
        mayTrack: this.mayTrack(opinion, chosen),
      });
      if (rendered.kind === 'message') return { ...opinion, message: rendered.message, faults };
      faults.set(chosen.key, rendered.fault);
    }
  }

  /** Whether the person has agreed, by the facts of this opinion, to be tracked by the message that was chosen. */
  mayTrack({ input }: Opinion, chosen: Candidate): boolean {
    return this.tracking.mayTrack(input, chosen);
  }

  /** The same question on the facts that `queryable` sees now. */
  async decide(queryable: Queryable, request: RunStepRequest, faults: RenderFaults): Promise<Opinion> {
    const quietRules = await this.versions.quietRulesOf(queryable, request.run);
    const material = await this.inputs.read(queryable, toInputQuery(request, quietRules));
    const input = inThisStep(material.input, request.step, faults);
    return { ...material, input, decision: decide(input) };
  }
}

/** Where the person is reached on a channel; null where that is not known. */
export function addressOf(user: Opinion['facts']['user'], channel: string): string | null {
  if (channel === 'email') return user?.email ?? null;
  if (channel === 'push') return user?.pushAddress ?? null;
  if (isPersonChannel(channel)) return user?.id ?? null;
  return channel === 'sms' ? (user?.phone ?? null) : null;
}

/** The candidate that the decision acts on, else null. */
export function chosenCandidate({ input, decision }: Opinion): Candidate | null {
  const { outcome } = decision;
  if (outcome.kind !== 'act') return null;
  return input.candidates.find(({ key }) => key === outcome.action) ?? null;
}

function toInputQuery(request: RunStepRequest, quietRules: readonly QuietRule[]): InputQuery {
  const { run, step, visit, clock, replay } = request;
  const { runKey, journeyKey } = run;
  return {
    user: { kind: 'id', id: run.userId },
    run: { runKey, stepId: step.id, visit, ...(replay === undefined ? {} : { isReplay: true }) },
    journey: { runKey, journeyKey, quietRules },
    clockDomain: clockDomainOf(request),
    now: clock.kind === 'real' ? null : clock.now,
    context: contextOf(step),
    weighs: weighsOf(step),
  };
}

/** What the step adds to its candidates: which of them cannot be rendered, and how long a message makes sense here. */
export function inThisStep(input: DecisionInput, step: RunStepRequest['step'], faults: RenderFaults): DecisionInput {
  if (faults.size === 0 && step.ttlMs === undefined) return input;
  const candidates = input.candidates.map((candidate) => ({
    ...candidate,
    renderFault: faults.get(candidate.key) ?? null,
    ttlMs: shorter(candidate.ttlMs, step.ttlMs ?? null),
  }));
  return { ...input, candidates };
}

function shorter(left: DurationMs | null, right: DurationMs | null): DurationMs | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}
