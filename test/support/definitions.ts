import type { Condition } from '../../src/core/audiences/condition.js';
import type { RunCondition } from '../../src/core/audiences/run-condition.js';
import type { JourneyDefinition, StepDefinition } from '../../src/core/journeys/definition.js';

export const message = (id: string, next?: string): StepDefinition => ({
  kind: 'message',
  id,
  channel: 'email',
  template: id,
  next,
});
export const wait = (id: string, next?: string): StepDefinition => ({ kind: 'wait', id, duration: 'PT1H', next });
export const end = (id = 'done'): StepDefinition => ({ kind: 'end', id, reason: id });
export const journey = (
  steps: readonly StepDefinition[],
  more: Partial<JourneyDefinition> = {},
): JourneyDefinition => ({
  key: 'welcome',
  name: 'Welcome',
  steps,
  ...more,
});
type StepOf<Kind extends StepDefinition['kind']> = Extract<StepDefinition, { readonly kind: Kind }>;

/** A journey of one step of a kind, and an end. */
export const waiting = (more: Partial<StepOf<'wait'>>): JourneyDefinition =>
  journey([{ kind: 'wait', id: 'a', ...more }, end()]);
export const until = (value: StepOf<'wait'>['until']): JourneyDefinition => waiting({ until: value });
export const waitingFor = (more: Partial<StepOf<'wait_for'>>): JourneyDefinition =>
  journey([{ kind: 'wait_for', id: 'a', timeout: 'P1D', ...more }, end()]);
export const branching = (more: Partial<StepOf<'branch'>>): JourneyDefinition =>
  journey([{ kind: 'branch', id: 'a', ...more }, end()]);
export const testing = (condition: RunCondition): JourneyDefinition => branching({ condition });
export const splitting = (...arms: readonly (readonly [string, number])[]): JourneyDefinition =>
  journey([{ kind: 'split', id: 'a', arms: arms.map(([name, percent]) => ({ name, percent, next: 'done' })) }, end()]);
export const setting = (set: StepOf<'update_user'>['set']): JourneyDefinition =>
  journey([{ kind: 'update_user', id: 'a', set }, end()]);
export const calling = (data: NonNullable<StepOf<'webhook'>['data']>, endpoint = 'crm'): JourneyDefinition =>
  journey([{ kind: 'webhook', id: 'a', endpoint, data }, end()]);
export const starting = (
  more: Partial<StepOf<'start_journey'>>,
  mode?: 'once' | 'after_exit' | 'parallel',
): JourneyDefinition =>
  journey([{ kind: 'start_journey', id: 'a', journey: 'other', ...more }, end()], mode && { entry: { mode } });
export const limited = (more: Partial<StepOf<'wait'>>): JourneyDefinition => waiting({ duration: 'PT1H', ...more });
export const refusing = (onRefusal: StepOf<'message'>['on_refusal']): JourneyDefinition =>
  journey([{ kind: 'message', id: 'a', channel: 'email', template: 'a', on_refusal: onRefusal }, end()]);

export const plan: Condition = { kind: 'exists', attribute: 'attributes.plan' };
export const above = (value: number): Condition => ({ kind: 'greater_than', attribute: 'amount', value });
export const exists = (attribute: string): RunCondition => ({ kind: 'exists', attribute });
export const names = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `n${n}`);

export const LIMITS_IN_A_CIRCLE = journey([
  { kind: 'wait', id: 'a', duration: 'PT1H', max_visits: 1, on_max_visits: 'b' },
  { kind: 'wait', id: 'b', duration: 'PT1H', max_visits: 1, on_max_visits: 'a' },
  end(),
]);
