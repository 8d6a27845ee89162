import type { Candidate, DecisionInput } from '../../core/decisions/types.js';
import { assert } from '../../core/kernel/assert.js';
import { parseDuration } from '../../core/kernel/duration.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { isValidZone } from '../../core/kernel/zone.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { toRules } from '../policies/index.js';
import {
  CONTACTS_READ_MAX,
  type ActionFacts,
  type Facts,
  type FactsQuery,
  type TemplateFacts,
  type UserFacts,
} from './facts.repository.js';

const WORKSPACE_ZONE = 'UTC';
const PERCENT = 100;

export interface InputContext {
  readonly query: FactsQuery;
  readonly journeyKey: string | null;
  /** Quiet hours that the journey itself sets. */
  readonly journeyQuietRules: readonly QuietRule[];
}

/** Turns stored facts into the one value that the pure decision rests on. */
export function toDecisionInput(facts: Facts, context: InputContext): DecisionInput {
  const { query } = context;
  assert(facts.contacts.length < CONTACTS_READ_MAX, `too many contacts to decide about ${query.userId}`);
  const rules = toRules(facts.policies);
  const candidates = toCandidates(facts, query);
  const needsAttributes = candidates.some(({ eligibility }) => eligibility !== null);
  const now = notBeforeLastContact(facts, query);
  return {
    now,
    readyAt: now,
    user: {
      id: query.userId,
      state: facts.user === null ? 'unknown' : facts.user.isErased ? 'erased' : 'known',
      // Attributes are personal data: the record keeps them only where a condition was tested on them.
      attributes: needsAttributes && facts.user !== null ? attributesOf(facts.user) : {},
      ...zoneOf(facts.user?.timezone ?? null),
      jurisdictions: [],
    },
    isKillSwitchOn: facts.isKillSwitchOn,
    run:
      query.runKey === null || context.journeyKey === null
        ? null
        : // A run without an entry cannot be told apart from one that was taken back: it sends nothing.
          { runKey: query.runKey, journeyKey: context.journeyKey, state: facts.runState ?? 'exited', conflict: null },
    otherRuns: [],
    candidates,
    doNothingValue: 0,
    factors: { propensity: true, context: true, value: true, levers: true },
    consents: facts.consents,
    suppressions: facts.suppressions,
    quietRules: [...rules.quietRules, ...context.journeyQuietRules],
    capRules: rules.capRules,
    contacts: facts.contacts,
    pauseRules: [],
    fatigueModel: null,
    outcomes: [],
    rivals: [],
    holdouts: [],
  };
}

/**
 * A clock that was set back would hide the latest contacts from the caps, which count up to now: a real decision never
 * lies before them. A virtual one does, when another virtual run of the user has been further ahead.
 */
function notBeforeLastContact({ now, contacts }: Facts, { clockDomain }: FactsQuery): InstantMs {
  return clockDomain === 'real' ? Math.max(now, contacts[0]?.at ?? now) : now;
}

/** The document that conditions and templates see: the profile's own fields, and what the company added. */
export function attributesOf(user: UserFacts): Readonly<Record<string, unknown>> {
  return {
    external_id: user.externalId,
    email: user.email,
    phone: user.phone,
    name: user.name,
    lifecycle_stage: user.lifecycleStage,
    timezone: user.timezone,
    locale: user.locale,
    attributes: user.attributes,
  };
}

function zoneOf(timezone: string | null): { zones: readonly string[]; zoneSource: string } {
  if (timezone !== null && isValidZone(timezone)) return { zones: [timezone], zoneSource: 'profile' };
  return { zones: [WORKSPACE_ZONE], zoneSource: timezone === null ? 'workspace_default' : 'invalid_profile' };
}

function toCandidates(facts: Facts, query: FactsQuery): readonly Candidate[] {
  const templates = new Map(facts.templates.map((template) => [template.key, template]));
  const address = facts.user?.emailHash ?? null;
  if (query.weighs.kind === 'template') {
    const { key } = query.weighs;
    return [{ ...itself(key), ...ofTemplate(templates.get(key)), template: key, addressHash: address }];
  }
  const known = new Map(facts.actions.map((action) => [action.key, action]));
  const keys = query.weighs.keys ?? [...known.keys()];
  return keys.map((key) => {
    const action = known.get(key);
    const template = action === undefined ? undefined : templates.get(action.template);
    return { ...(action === undefined ? missing(key) : ofAction(action, template)), addressHash: address };
  });
}

type WithoutAddress = Omit<Candidate, 'addressHash'>;

/** A message step weighs its one message with every factor at 1. */
function itself(key: string): Omit<WithoutAddress, keyof ReturnType<typeof ofTemplate>> {
  return {
    key,
    version: 1,
    template: key,
    renderFault: null,
    isActive: true,
    issue: null,
    group: null,
    eligibility: null,
    applicability: null,
    suitability: null,
    ttlMs: null,
    propensity: 1,
    contextFactor: 1,
    value: 1,
    leverFactor: 1,
    channelCost: 0,
  };
}

function ofTemplate(
  template: TemplateFacts | undefined,
): Pick<WithoutAddress, 'channel' | 'templateVersion' | 'purpose' | 'legalBasis' | 'brand' | 'tags'> {
  if (template === undefined) {
    return {
      channel: 'email',
      templateVersion: null,
      purpose: 'marketing',
      legalBasis: 'consent',
      brand: 'default',
      tags: [],
    };
  }
  const { channel, version, purpose, legalBasis, brand, tags } = template;
  return { channel, templateVersion: version, purpose, legalBasis, brand, tags };
}

function ofAction(action: ActionFacts, template: TemplateFacts | undefined): WithoutAddress {
  const { contextWeight, leverWeight, ttl, ...own } = action;
  const content = ofTemplate(template);
  return {
    ...own,
    ...content,
    renderFault: null,
    ttlMs: ttl === null ? null : parseDuration(ttl),
    channel: own.channel,
    tags: [...new Set([...own.tags, ...content.tags])],
    contextFactor: 1 + contextWeight / PERCENT,
    leverFactor: 1 + leverWeight / PERCENT,
  };
}

/** An action that a journey names and nobody knows any more is refused like an inactive one. */
const missing = (key: string): WithoutAddress => ({ ...itself(key), ...ofTemplate(undefined), isActive: false });
