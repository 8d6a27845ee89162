import { situationOf, type ContextValues } from '../../core/audiences/context-values.js';
import { placeChannels } from '../../core/decisions/choose-channel.js';
import type { Candidate, DecisionInput } from '../../core/decisions/types.js';
import { isPersonChannel } from '../../core/delivery/person-channel.js';
import { readPushAddress } from '../../core/delivery/push-address.js';
import type { Outcome } from '../../core/fatigue/outcome.js';
import { outcomeOfState } from '../../core/fatigue/outcome-of-state.js';
import { capReachMs } from '../../core/fatigue/reach.js';
import { assert } from '../../core/kernel/assert.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { attributesOf } from '../users/index.js';
import { outermost, partAt } from './attributes.js';
import {
  contextFactor,
  isCarried,
  missingCandidate,
  templateCandidate,
  type ActionCandidate,
  type Definitions,
} from './definitions.js';
import { CONTACTS_READ_MAX, type Facts, type UserFacts } from './facts.repository.js';
import { placeOf } from './place.js';

/** What is to be decided, beside the person about whom. */
export interface Question {
  readonly userId: string;
  /** One template, or several of which one goes out; or actions, of which null keys mean all active ones. */
  readonly weighs:
    | { readonly kind: 'templates'; readonly keys: readonly string[] }
    | { readonly kind: 'actions'; readonly keys: readonly string[] | null };
  readonly journey: {
    readonly runKey: string;
    readonly journeyKey: string;
    /** Quiet hours that the journey itself sets. */
    readonly quietRules: readonly QuietRule[];
  } | null;
  readonly clockDomain: string;
  /** The situation in which is asked: context weights of actions are matched with it. */
  readonly context: ContextValues;
}

interface Sources {
  readonly facts: Facts;
  readonly definitions: Definitions;
  readonly question: Question;
  /** Where a person is taken to be about whom nothing is known. */
  readonly workspaceZone: string;
}

/** Turns stored facts and definitions into the one value that the pure decision rests on. */
export function toDecisionInput({ facts, definitions, question, workspaceZone }: Sources): DecisionInput {
  const { shared } = definitions;
  const candidates = toCandidates(facts.user, definitions, question);
  const now = notBeforeLastWrite(facts, question);
  refuseCutOff(facts, definitions, now);
  return {
    now,
    readyAt: Math.min(facts.run?.askedAt ?? now, now),
    user: {
      id: question.userId,
      state: facts.user === null ? 'unknown' : facts.user.isErased ? 'erased' : 'known',
      attributes: facts.user === null ? {} : partAt(attributesOf(facts.user), pathsTested(definitions, question)),
      ...placeOf(facts.user, workspaceZone),
      ...(facts.hold === null || facts.hold === undefined ? {} : { hold: facts.hold }),
    },
    isKillSwitchOn: facts.isKillSwitchOn,
    ...(facts.sendingPause === null || facts.sendingPause === undefined ? {} : { sendingPause: facts.sendingPause }),
    run: toRun(facts, question),
    otherRuns: facts.run?.otherRuns ?? [],
    candidates,
    doNothingValue: shared.doNothingValue,
    factors: shared.factors,
    consents: facts.consents,
    suppressions: facts.suppressions,
    quietRules: question.journey === null ? shared.quietRules : [...shared.quietRules, ...question.journey.quietRules],
    capRules: shared.capRules,
    contacts: facts.contacts,
    pauseRules: shared.pauseRules,
    fatigueModel: shared.fatigueModel,
    outcomes: toOutcomes(facts, now - definitions.horizons.outcomesMs),
    rivals: facts.run?.rivals ?? [],
    beatenBy: facts.run?.beatenBy ?? null,
    holdouts: shared.holdouts,
  };
}

/**
 * A clock that was set back would hide the latest contacts from the caps, which count up to now, and the latest
 * suppressions, which hold from their beginning on: a real decision never lies before them. A virtual one does, when
 * another virtual run of the user has been further ahead.
 */
function notBeforeLastWrite({ now, contacts, suppressions }: Facts, { clockDomain }: Question): InstantMs {
  if (clockDomain !== 'real') return now;
  return Math.max(now, contacts[0]?.at ?? now, ...suppressions.map(({ since }) => since));
}

/** Only so many contacts are read. Where that cuts into the window of a cap, what was not read could matter. */
function refuseCutOff({ contacts }: Facts, { shared }: Definitions, now: InstantMs): void {
  if (contacts.length < CONTACTS_READ_MAX) return;
  const oldestAt = contacts.at(-1)?.at ?? now;
  const isCovered = shared.capRules.every((rule) => oldestAt <= now - capReachMs(rule));
  assert(isCovered, `more than ${CONTACTS_READ_MAX} contacts within the window of a cap`);
}

function toRun({ run }: Facts, { journey }: Question): DecisionInput['run'] {
  if (journey === null) return null;
  const { runKey, journeyKey } = journey;
  // A run without an entry cannot be told apart from one that was taken back: it sends nothing.
  const state = { state: run?.state ?? 'exited', conflict: run?.conflict ?? null };
  return { runKey, journeyKey, ...state, ...(run?.isJourneyPaused === true ? { isJourneyPaused: true } : {}) };
}

function toCandidates(
  user: UserFacts | null,
  definitions: Definitions,
  { weighs, context }: Question,
): readonly Candidate[] {
  const addressed = (candidate: Candidate, factor: number): Candidate => ({
    ...candidate,
    contextFactor: factor,
    addressHash: addressOf(user, candidate.channel),
  });
  if (weighs.kind === 'templates') {
    const { templates, costs, senders } = definitions;
    const messages = weighs.keys.map((key) => addressed(templateCandidate(key, templates.get(key)), 1));
    if (messages.length < 2) return messages;
    const platform = readPushAddress(user?.pushAddress ?? '')?.platform ?? null;
    return placeChannels(messages, {
      preferred: user?.preferredChannel ?? null,
      costs,
      isCarried: (channel) => isCarried(senders, channel, platform),
    });
  }
  const hasContext = Object.keys(context).length > 0;
  const situation = hasContext ? situationOf(context, user === null ? {} : attributesOf(user)) : {};
  const factorOf = (action: ActionCandidate): number =>
    hasContext ? contextFactor(action, situation) : action.candidate.contextFactor;
  return (weighs.keys ?? definitions.activeKeys).map((key) => {
    const action = definitions.actions.get(key);
    return action === undefined ? addressed(missingCandidate(key), 1) : addressed(action.candidate, factorOf(action));
  });
}

function pathsTested({ actions, activePaths }: Definitions, { weighs }: Question): readonly string[] {
  if (weighs.kind === 'templates') return [];
  return weighs.keys === null ? activePaths : outermost(weighs.keys.flatMap((key) => actions.get(key)?.paths ?? []));
}

function addressOf(user: UserFacts | null, channel: string): string | null {
  switch (channel) {
    case 'email':
      return user?.emailHash ?? null;
    case 'sms':
      return user?.phoneHash ?? null;
    case 'push':
      return user?.pushHash ?? null;
    default:
      return isPersonChannel(channel) ? (user?.id ?? null) : null;
  }
}

function toOutcomes({ outcomes, contacts }: Facts, after: InstantMs): readonly Outcome[] {
  const reported = new Set(outcomes.map(({ decisionId, kind }) => `${kind} ${decisionId}`));
  const told = contacts.flatMap((contact) => (contact.at > after ? (outcomeOfState(contact) ?? []) : []));
  return [...outcomes, ...told.filter(({ decisionId, kind }) => !reported.has(`${kind} ${decisionId}`))];
}
