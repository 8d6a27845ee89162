import type { Condition } from '../../src/core/audiences/condition.js';
import type { ConsentRecord } from '../../src/core/consent/consent-record.js';
import type { Candidate, DecisionInput } from '../../src/core/decisions/types.js';
import type { CapRule, Contact } from '../../src/core/fatigue/cap-rule.js';
import { everydayRule, type QuietRule } from '../../src/core/quiet-hours/quiet-rule.js';
import type { Suppression } from '../../src/core/suppression/suppression.js';

/** Noon in UTC, 08:00 in New York. */
export const DECIDED_AT = Date.parse('2027-06-15T12:00:00Z');

/** An active e-mail to everybody, worth 1, that a grant of `marketing` permits. */
export function candidate(key: string, more: Partial<Candidate> = {}): Candidate {
  return {
    key,
    version: 1,
    channel: 'email',
    template: `${key}_mail`,
    templateVersion: 1,
    renderFault: null,
    purpose: 'marketing',
    legalBasis: 'consent',
    brand: 'default',
    tags: [],
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
    addressHash: 'hash',
    ...more,
  };
}

/** A grant of `marketing` on e-mail, stated a day ago. */
export function grant(more: Partial<ConsentRecord> = {}): ConsentRecord {
  const statedAt = DECIDED_AT - 86_400_000;
  return {
    id: 'consent-1',
    purpose: 'marketing',
    channel: 'email',
    brand: 'default',
    status: 'granted',
    basis: 'consent',
    statedAt,
    receivedAt: statedAt,
    expiresAt: null,
    isObjection: false,
    ...more,
  };
}

/** A hard bounce of the address, since yesterday and for good. */
export function suppression(more: Partial<Suppression> = {}): Suppression {
  return {
    id: 'suppression-1',
    addressHash: 'hash',
    channel: 'email',
    purpose: null,
    reason: 'hard_bounce',
    since: DECIDED_AT - 86_400_000,
    until: null,
    ...more,
  };
}

/** Quiet on e-mail from 21:00 to 08:00. */
export function quietRule(more: Partial<QuietRule> = {}): QuietRule {
  const window = { id: 'night', version: 1, origin: 'policy', channels: ['email'], startMinute: 1_260, endMinute: 480 };
  return { ...everydayRule({ ...window, origin: 'policy' }), ...more };
}

/** One marketing contact a calendar day. */
export function capRule(more: Partial<CapRule> = {}): CapRule {
  return {
    id: 'daily',
    version: 2,
    scope: { kind: 'global' },
    limit: 1,
    window: { kind: 'calendar', unit: 'day' },
    purposes: ['marketing'],
    givesBackOn: ['failed'],
    onHit: 'drop',
    ...more,
  };
}

/** A marketing e-mail an hour ago. */
export function contact(more: Partial<Contact> = {}): Contact {
  return {
    decisionId: 'decision-0',
    at: DECIDED_AT - 3_600_000,
    channel: 'email',
    purpose: 'marketing',
    journeyKey: 'welcome',
    action: 'hello',
    group: null,
    tags: [],
    state: 'sent',
    ...more,
  };
}

/** The user of `decisionInput`, altered. */
export function userWith(more: Partial<DecisionInput['user']>): DecisionInput['user'] {
  return { ...decisionInput().user, ...more };
}

/** A run of the journey `welcome`. */
export function runIn(state: 'active' | 'paused' | 'exited'): DecisionInput['run'] {
  return { runKey: 'welcome:user-1:1', journeyKey: 'welcome', state, conflict: null };
}

/** A condition that the user of `decisionInput` does not meet. */
export const NEVER: Condition = { kind: 'equals', attribute: 'plan', value: 'free' };

/** A known user in UTC with a grant, one candidate, and nothing in the way. */
export function decisionInput(more: Partial<DecisionInput> = {}): DecisionInput {
  return {
    now: DECIDED_AT,
    readyAt: DECIDED_AT,
    user: {
      id: 'user-1',
      state: 'known',
      attributes: { plan: 'pro' },
      zones: ['UTC'],
      zoneSource: 'attribute',
      jurisdictions: [],
    },
    isKillSwitchOn: false,
    run: runIn('active'),
    candidates: [candidate('hello')],
    otherRuns: [],
    doNothingValue: 0,
    factors: { propensity: true, context: true, value: true, levers: true },
    consents: [grant()],
    suppressions: [],
    quietRules: [],
    capRules: [],
    contacts: [],
    pauseRules: [],
    fatigueModel: null,
    outcomes: [],
    rivals: [],
    beatenBy: null,
    holdouts: [],
    ...more,
  };
}
