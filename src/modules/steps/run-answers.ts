import { attributeAt } from '../../core/audiences/evaluate-condition.js';
import type { RunQuestion } from '../../core/audiences/run-condition.js';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import { gateConsent } from '../../core/consent/gate-consent.js';
import { findMoment } from '../../core/journeys/moment.js';
import { messagesOf, type DecideStep, type MessageStep, type Moment } from '../../core/journeys/plan.js';
import { parseDuration } from '../../core/kernel/duration.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { placeOf, type InputQuery, type UserFacts } from '../decisions/index.js';
import { attributesOf, type ProfileFacts } from '../users/index.js';

// How real and simulated runs answer alike what their steps ask, whatever the facts were read from.

const BRAND_DEFAULT = 'default';
const AT_LEAST_DEFAULT = 1;

/** Where properties of events matter only the newest are looked at. */
export const EVENTS_TESTED_MAX = 1_000;

/** Events of one name in (after, now]. */
export interface EventCount {
  readonly name: string;
  readonly after: InstantMs;
  /** It is counted no further. */
  readonly countMax: number;
}

/**
 * What has to be counted to answer. A duration that cannot be read counts nothing: the definition was checked, so this
 * is a fault, and no permission.
 */
export function toCount(
  { name, within, at_least }: Extract<RunQuestion, { kind: 'event' }>,
  { now, enteredAt }: { readonly now: InstantMs; readonly enteredAt: InstantMs },
): EventCount {
  const after = within === undefined ? enteredAt : now - (parseDuration(within) ?? 0);
  return { name, after, countMax: Math.max(AT_LEAST_DEFAULT, at_least ?? AT_LEAST_DEFAULT) };
}

/** Whether a message that rests on consent would be allowed; a doubt is no permission. */
export function isAllowed(
  { purpose, channel }: Extract<RunQuestion, { kind: 'consent' }>,
  consents: readonly ConsentRecord[],
  now: InstantMs,
): boolean {
  const question = { consents, purpose, channel, brand: BRAND_DEFAULT, now };
  return gateConsent({ ...question, legalBasis: 'consent' }).kind === 'pass';
}

/** The instant of a moment for this person, possibly past, see `findMoment`; null when there is no such date. */
export function momentFor(
  user: ProfileFacts & Pick<UserFacts, 'contextTimezone'>,
  {
    moment,
    from,
    workspaceZone,
  }: { readonly moment: Moment; readonly from: InstantMs; readonly workspaceZone: string },
): InstantMs | null {
  const { zones } = placeOf(user, workspaceZone);
  const value = moment.kind === 'attribute' ? attributeAt(attributesOf(user), moment.attribute) : null;
  return findMoment({ moment, value, zones, from });
}

/** What the gates weigh in a step: its message, in the ways in which it may go out, or a list of actions. */
export const weighsOf = (step: MessageStep | DecideStep): InputQuery['weighs'] =>
  step.kind === 'message'
    ? { kind: 'templates', keys: messagesOf(step).map(({ template }) => template) }
    : { kind: 'actions', keys: step.actions };

/** The situation that context weights are matched with. */
export const contextOf = (step: MessageStep | DecideStep): InputQuery['context'] =>
  step.kind === 'decide' ? (step.context ?? {}) : {};
