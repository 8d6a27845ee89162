import {
  toDefinitions,
  type ActionFacts,
  type Definitions,
  type TemplateFacts,
} from '../../src/modules/decisions/definitions.js';
import type { Question } from '../../src/modules/decisions/decision-input.js';
import type { Facts, RunFacts, UserFacts } from '../../src/modules/decisions/facts.repository.js';
import { DECIDED_AT, grant } from './decision-input.js';

const USER_ID = '0190a5d0-0000-7000-8000-000000000001';

/** An active action `key` with the template of the same name, worth 1. */
export function actionFacts(key: string, more: Partial<ActionFacts> = {}): ActionFacts {
  return {
    key,
    version: 1,
    channel: 'email',
    template: key,
    tags: [],
    isActive: true,
    issue: null,
    group: null,
    eligibility: null,
    applicability: null,
    suitability: null,
    ttl: null,
    propensity: 1,
    contextWeight: 0,
    contextWeights: [],
    value: 1,
    leverWeight: 0,
    channelCost: 0,
    ...more,
  };
}

export function templateFacts(key: string, more: Partial<TemplateFacts> = {}): TemplateFacts {
  const head = { version: 3, channel: 'email', purpose: 'marketing', legalBasis: 'consent', brand: 'default' } as const;
  return { key, ...head, tags: [], ...more };
}

/** Definitions of these actions, each with its template, and of these policies. */
export function definitionsOf(
  actions: readonly ActionFacts[],
  policies: Readonly<Record<string, unknown>> = {},
): Definitions {
  return toDefinitions({
    version: 1,
    policies: Object.entries(policies).map(([key, definition]) => ({ key, version: 1, definition })),
    actions,
    templates: actions.map(({ template }) => templateFacts(template)),
  });
}

export function userFacts(more: Partial<UserFacts> = {}): UserFacts {
  return {
    id: USER_ID,
    externalId: 'customer-1',
    email: 'ada@example.org',
    emailHash: 'hash-of-email',
    name: 'Ada',
    phone: null,
    phoneHash: null,
    lifecycleStage: 'trial',
    timezone: 'UTC',
    contextTimezone: null,
    locale: null,
    jurisdiction: null,
    attributes: { plan: 'pro' },
    isErased: false,
    ...more,
  };
}

export function runFacts(more: Partial<RunFacts> = {}): RunFacts {
  return { state: 'active', conflict: null, askedAt: null, beatenBy: null, otherRuns: [], rivals: [], ...more };
}

/** A known person with a grant, at `DECIDED_AT`. */
export function factsOf(more: Partial<Facts> = {}): Facts {
  return {
    now: DECIDED_AT,
    definitionsVersion: 1,
    isKillSwitchOn: false,
    user: userFacts(),
    run: null,
    consents: [grant()],
    suppressions: [],
    contacts: [],
    outcomes: [],
    ...more,
  };
}

/** All active actions, asked by nobody's run. */
export function question(more: Partial<Question> = {}): Question {
  return {
    userId: USER_ID,
    weighs: { kind: 'actions', keys: null },
    journey: null,
    clockDomain: 'real',
    context: {},
    ...more,
  };
}
