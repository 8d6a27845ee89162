import type { Candidate } from '../../../src/core/decisions/types.js';
import type { DeliveryRow, RunRow, Store } from '../model.js';
import { fullCaps, type CapAsked } from './caps.js';
import { isConsented } from './consent.js';
import { quietRulesAt, type QuietAsked } from './quiet.js';
import { outcomesOf, restingBy, tiredness } from './reactions.js';
import { suppressionsAgainst } from './suppression.js';
import { isHeldOut, netValue } from './worth.js';

/** The rules that no contact may break. */
export type Rule =
  | 'consent'
  | 'suppression'
  | 'quiet_hours'
  | 'caps'
  | 'stopped'
  | 'conflict'
  | 'conditions'
  | 'content'
  | 'pause'
  | 'fatigue'
  | 'expiry'
  | 'holdout';

/** One contact that is thought of, or was just made. */
export interface Thought {
  readonly store: Store;
  readonly run: RunRow;
  readonly candidate: Candidate;
  /** Since when its step has asked. */
  readonly readyAt: number;
  readonly now: number;
  /** A delivery that must not be counted, because it is the contact itself. */
  readonly without: string | null;
  /** How tired the person is, where somebody has worked it out before. */
  readonly score?: number;
}

/** A score so close to the threshold may be seen on either side: what lies far back is not read. */
const SCORE_TOLERANCE = 0.01;

/** Why this contact may not be made now, by brute force from rules.md and from the stored rows; empty when it may. */
export function objectionsTo(thought: Thought): ReadonlyMap<Rule, string> {
  const { store, run, candidate, readyAt, now } = thought;
  const found = new Map<Rule, string>(objectionsToPerson(thought));
  const object = (rule: Rule, isBroken: boolean, text: string): void => {
    if (isBroken && !found.has(rule)) found.set(rule, text);
  };
  object('stopped', store.isKillSwitchOn, 'the kill switch is on');
  object('stopped', store.user(run.userId).isErased, 'the person was erased');
  object('stopped', run.isExitRequested || run.isEnded, 'the run has ended');
  object('stopped', run.isPaused, 'the run is paused');
  object('expiry', candidate.ttlMs !== null && now >= readyAt + candidate.ttlMs, 'its time to live is over');
  if (candidate.legalBasis === 'contract') return found;
  const quiet = quietRulesAt(quietAsked(thought, now));
  object('quiet_hours', quiet.length > 0, `quiet by ${quiet.map(({ id }) => id).join()}`);
  const full = fullCaps(capAsked(thought));
  object('caps', full.length > 0, `no room under ${full.map(({ id }) => id).join()}`);
  const held = store.definitions.holdouts.filter(
    (each) => each.purposes.includes(candidate.purpose) && isHeldOut(each, run.userId),
  );
  object('holdout', held.length > 0, 'the person is held out');
  return found;
}

/** Those of them that concern what is sent to whom, and not when: what they stand against is not even weighed. */
export function objectionsToPerson(thought: Thought): ReadonlyMap<Rule, string> {
  const { store, run, candidate, now } = thought;
  const found = new Map<Rule, string>();
  const user = store.user(run.userId);
  const { definitions } = store;
  const object = (rule: Rule, isBroken: boolean, text: string): void => {
    if (isBroken && !found.has(rule)) found.set(rule, text);
  };
  object('content', !candidate.isActive, 'the action is not active');
  object('content', candidate.templateVersion === null, 'there is no such template');
  object('content', candidate.renderFault !== null, 'it cannot be rendered');
  object('content', user.addresses[candidate.channel] === undefined, 'there is no address');
  const suppressions = suppressionsAgainst(store.suppressions, user, candidate, now);
  object('suppression', suppressions.length > 0, `suppressed by ${suppressions.join()}`);
  object('conditions', !meetsConditions(candidate, user.attributes), 'a condition is not met');
  if (candidate.legalBasis === 'contract') return found;
  const consents = store.consents.get(user.id) ?? [];
  object('consent', !isConsented(consents, candidate, now), 'there is no consent');
  const resting = restingBy(definitions.pauseRules, outcomesOf(store, user.id), candidate, now);
  object('pause', resting.length > 0, `at rest by ${resting.join()}`);
  const threshold = definitions.fatigueModel?.threshold ?? null;
  object('fatigue', threshold !== null && scoreOf(thought) >= threshold + SCORE_TOLERANCE, 'the person is tired');
  object('conflict', betterRuns(store, run).length > 0, 'another run of the group stands before it');
  return found;
}

/** The simulator's conditions are all of one kind, so that they can be read without the core. */
function meetsConditions(
  { eligibility, applicability, suitability }: Candidate,
  attributes: Readonly<Record<string, unknown>>,
): boolean {
  return [eligibility, applicability, suitability].every((condition) => {
    if (condition === null) return true;
    if (condition.kind !== 'equals') throw new Error(`no reading of a condition of kind ${condition.kind}`);
    return attributes[condition.attribute] === condition.value;
  });
}

/** The quiet rules that hold for a contact of this run. */
export function rulesFor({ store, run }: Pick<Thought, 'store' | 'run'>): Store['definitions']['quietRules'] {
  return [...store.definitions.quietRules, ...(store.journeyQuietRules.get(run.journeyKey) ?? [])];
}

/** What quiet hours are asked about this contact at some instant. */
export function quietAsked(thought: Pick<Thought, 'store' | 'run' | 'candidate'>, at: number): QuietAsked {
  const { zones, jurisdictions, elsewhere } = thought.store.user(thought.run.userId);
  const { channel, purpose } = thought.candidate;
  return { rules: rulesFor(thought), zones, jurisdictions, elsewhere, channel, purpose, at };
}

/** What limits are asked about this contact, now or at some instant that is still to come. */
export function capAsked(thought: Thought, now = thought.now): CapAsked & { readonly made: readonly DeliveryRow[] } {
  const { store, run, candidate } = thought;
  const { zones } = store.user(run.userId);
  const { journeyKey } = run;
  return { rules: store.definitions.capRules, made: madeBefore(thought), zones, candidate, journeyKey, now };
}

/** Deliveries of the person beside the one that is looked at. */
export function madeBefore({
  store,
  run,
  without,
}: Pick<Thought, 'store' | 'run' | 'without'>): readonly DeliveryRow[] {
  return store.deliveriesOf(run.userId).filter(({ idempotencyKey }) => idempotencyKey !== without);
}

/** How tired the person is of us, without the contact that is looked at. */
export function scoreOf(thought: Pick<Thought, 'store' | 'run' | 'without' | 'now' | 'score'>): number {
  const { store, run, now, score } = thought;
  if (score !== undefined) return score;
  const { fatigueModel } = store.definitions;
  return fatigueModel === null ? 0 : tiredness(fatigueModel, madeBefore(thought), outcomesOf(store, run.userId), now);
}

/** What the contact is worth now. */
export function worthOf(thought: Thought): number {
  const { fatigueModel, factors } = thought.store.definitions;
  return netValue(thought.candidate, factors, (fatigueModel?.costPerScore ?? 0) * scoreOf(thought));
}

function betterRuns(store: Store, { conflict, runKey, userId }: RunRow): readonly RunRow[] {
  if (conflict === null) return [];
  return store.runsOf(userId).filter((other) => {
    if (other.conflict?.group !== conflict.group || other.runKey === runKey) return false;
    if (other.isEnded || other.isExitRequested || other.isPaused) return false;
    if (other.conflict.priority !== conflict.priority) return other.conflict.priority > conflict.priority;
    if (other.conflict.enteredAt !== conflict.enteredAt) return other.conflict.enteredAt < conflict.enteredAt;
    return other.runKey < runKey;
  });
}
