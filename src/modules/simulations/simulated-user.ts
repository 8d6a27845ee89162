import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { evaluateRunCondition } from '../../core/audiences/evaluate-run-condition.js';
import type { RunQuestion } from '../../core/audiences/run-condition.js';
import { decide } from '../../core/decisions/decide.js';
import type { Candidate, Decision, DecisionInput } from '../../core/decisions/types.js';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { RunEvent, Unit } from '../../core/journeys/interpreter-state.js';
import type { Act, Plan } from '../../core/journeys/plan.js';
import type { ActAnswer, StepAnswer } from '../../core/journeys/step-answer.js';
import type { CommandOf, VirtualWorld } from '../../core/journeys/virtual-run.js';
import { unreachable } from '../../core/kernel/assert.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { ReasonCode } from '../../core/kernel/reasons.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { setAttributes } from '../../core/users/set-attributes.js';
import type { Definitions, Facts, TrialInputs, UserFacts } from '../decisions/index.js';
import { contextOf, inThisStep, isAllowed, isOutcome, momentFor, silentAnswer, weighsOf } from '../steps/index.js';
import { AmendedProfile, attributesOf } from '../users/index.js';
import type { SimulatedEvents } from './simulated-events.js';

/** Not the real clock: what was stored never moves a virtual now. */
const CLOCK_DOMAIN = 'simulation';
const ID_DIGITS = 9;

/** One version of a journey, and the rules that hold while it is tried. */
export interface Scene {
  readonly plan: Plan;
  /** The journey's own quiet hours. */
  readonly quietRules: readonly QuietRule[];
  readonly definitions: Definitions;
  readonly inputs: Pick<TrialInputs, 'toInput'>;
  /** Where somebody is taken to be about whom nothing is known. */
  readonly workspaceZone: string;
}

/** What one question of a step came to. */
export interface SimulatedDecision {
  readonly stepId: string;
  readonly visit: number;
  readonly ask: number;
  readonly at: InstantMs;
  readonly outcome: StepAnswer['kind'];
  readonly reason: ReasonCode | null;
  readonly until: InstantMs | null;
  /** Null where nothing was sent. */
  readonly action: string | null;
  readonly cost: number;
  /** Caps that refused it or put it off, as `id@version`. */
  readonly capRules: readonly string[];
}

/** Hears what a simulated run does. */
export interface WorldObserver {
  decided(decision: SimulatedDecision): void;
  acted(stepId: string, act: Act, isDone: boolean): void;
}

type OutcomeOfStep = Parameters<typeof isOutcome>[0];

/** One user as a simulated run finds them: what is stored, and what the run itself changed on paper. */
export class SimulatedUser implements VirtualWorld {
  private user: UserFacts;
  private contacts: readonly Contact[];
  private decisions = 0;
  private readonly firstAsks = new Map<string, InstantMs>();
  private readonly outcomes = new Map<string, OutcomeOfStep>();

  /** @param known.entryAt contacts and outcomes after it stay out: those of the simulation stand in their place */
  constructor(
    private readonly scene: Scene,
    private readonly known: {
      readonly facts: Facts;
      readonly user: UserFacts;
      readonly events: SimulatedEvents;
      readonly unit: Unit;
      readonly entryAt: InstantMs;
      readonly contactsUntil: InstantMs;
    },
    private readonly observer: WorldObserver,
  ) {
    this.user = known.user;
    this.contacts = known.facts.contacts.filter(({ at }) => at <= known.contactsUntil);
  }

  runStep({ step, visit, ask }: CommandOf<'run_step'>, now: InstantMs): StepAnswer {
    const input = this.inputFor(step, visit, now);
    const decision = decide(input);
    const { outcome } = decision;
    const decisionId = this.nextId();
    const chosen = outcome.kind === 'act' ? input.candidates.find(({ key }) => key === outcome.action) : undefined;
    if (chosen !== undefined) this.contact(chosen, decisionId, now);
    const answer: StepAnswer =
      outcome.kind === 'act'
        ? { kind: 'sent', decisionId, deliveryId: decisionId, action: outcome.action }
        : silentAnswer(outcome, decisionId, step.kind);
    const deliveryState = answer.kind === 'sent' ? 'sent' : null;
    this.outcomes.set(step.id, { answer: answer.kind, deliveryState, isDone: null });
    this.observer.decided({
      stepId: step.id,
      visit,
      ask,
      at: now,
      outcome: answer.kind,
      reason: answer.kind === 'sent' ? null : answer.reason,
      until: answer.kind === 'defer' ? answer.until : null,
      action: answer.kind === 'sent' ? answer.action : null,
      cost: chosen?.channelCost ?? 0,
      capRules: capRulesOf(decision),
    });
    return answer;
  }

  holds({ condition }: CommandOf<'evaluate_branch'>): boolean {
    return evaluateCondition({ condition, attributes: attributesOf(this.user) });
  }

  choose({ conditions }: CommandOf<'choose'>, now: InstantMs): number | null {
    const attributes = { ...attributesOf(this.user), run: { responses: {} } };
    const answer = (question: RunQuestion): boolean => this.isSo(question, now);
    const index = conditions.findIndex((condition) => evaluateRunCondition({ condition, attributes, answer }));
    return index < 0 ? null : index;
  }

  findMoment({ moment, from }: CommandOf<'find_moment'>): InstantMs | null {
    return momentFor(this.user, { moment, from, workspaceZone: this.scene.workspaceZone });
  }

  act({ stepId, act }: CommandOf<'act'>): ActAnswer {
    const isDone = act.kind === 'update_user' ? this.update(act.set) : true;
    this.outcomes.set(stepId, { answer: null, deliveryState: null, isDone });
    this.observer.acted(stepId, act, isDone);
    return { kind: isDone ? 'done' : 'failed' };
  }

  findEvent(command: CommandOf<'find_event'>): RunEvent | null {
    return this.known.events.findFirst(command);
  }

  private inputFor(step: CommandOf<'run_step'>['step'], visit: number, now: InstantMs): DecisionInput {
    const { plan, definitions, inputs, quietRules } = this.scene;
    const visitKey = `${step.id} ${visit}`;
    const askedAt = this.firstAsks.get(visitKey) ?? null;
    if (askedAt === null) this.firstAsks.set(visitKey, now);
    const { userId, runKey } = this.known.unit;
    const input = inputs.toInput(this.factsAt(now, askedAt), definitions, {
      userId,
      weighs: weighsOf(step),
      journey: { runKey, journeyKey: plan.journeyKey, quietRules },
      clockDomain: CLOCK_DOMAIN,
      context: contextOf(step),
    });
    return inThisStep(input, step, new Map());
  }

  /** As they would be read at that instant: what lies too far back is not. */
  private factsAt(now: InstantMs, askedAt: InstantMs | null): Facts {
    const { facts } = this.known;
    const { contactsMs, outcomesMs } = this.scene.definitions.horizons;
    return {
      ...facts,
      now,
      isKillSwitchOn: false,
      sendingPause: null,
      user: this.user,
      run: { state: 'active', conflict: null, askedAt, beatenBy: null, otherRuns: [], rivals: [] },
      contacts: this.contacts.filter(({ at }) => at > now - contactsMs),
      outcomes: facts.outcomes.filter(({ at }) => at > now - outcomesMs && at <= this.known.contactsUntil),
    };
  }

  /** The claim of production, on paper: what rests on consent counts from now on. */
  private contact({ key, channel, purpose, group, tags, legalBasis }: Candidate, decisionId: string, at: InstantMs) {
    if (legalBasis !== 'consent') return;
    const { journeyKey } = this.scene.plan;
    const made: Contact = {
      decisionId,
      at,
      channel,
      purpose,
      journeyKey,
      action: key,
      group,
      tags: [...tags],
      state: 'sent',
    };
    this.contacts = [made, ...this.contacts];
  }

  /** Greater than every stored id, and growing: of two contacts in one millisecond the greater is the later one. */
  private nextId(): string {
    this.decisions += 1;
    return `simulated:${String(this.decisions).padStart(ID_DIGITS, '0')}`;
  }

  private update(set: Extract<Act, { kind: 'update_user' }>['set']): boolean {
    const profile = setAttributes(this.user, set);
    if (profile === null) return false;
    const { lifecycleStage, attributes } = profile;
    const accepted = AmendedProfile.safeParse({ lifecycle_stage: lifecycleStage, attributes });
    if (!accepted.success) return false;
    const { lifecycle_stage, attributes: amended } = accepted.data;
    this.user = { ...this.user, lifecycleStage: lifecycle_stage, attributes: amended };
    return true;
  }

  private isSo(question: RunQuestion, now: InstantMs): boolean {
    switch (question.kind) {
      case 'event':
        return this.known.events.holds(question, { now, entryAt: this.known.entryAt });
      case 'consent':
        return isAllowed(question, this.known.facts.consents, now);
      case 'outcome': {
        const outcome = this.outcomes.get(question.step);
        return outcome !== undefined && isOutcome(outcome, question.is);
      }
      default:
        return unreachable(question);
    }
  }
}

function capRulesOf({ outcome, gates }: Decision): readonly string[] {
  if (outcome.kind === 'act' || outcome.reason !== 'CAP_REACHED') return [];
  const rules = gates.flatMap(({ gate, kind, rule, candidates }) => {
    const isAbout = outcome.kind === 'do_nothing' || candidates?.includes(outcome.action) === true;
    return gate === 'caps' && kind !== 'pass' && rule !== null && isAbout ? [rule] : [];
  });
  return [...new Set(rules)];
}
