import type { CapRule, CapScope, CapWindow } from '../../core/fatigue/cap-rule.js';
import { assert } from '../../core/kernel/assert.js';
import { parseDuration } from '../../core/kernel/duration.js';
import { everydayRule, type QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { minuteOfDay, PolicyDefinition } from './policies.dto.js';

/** A stored policy, as whoever reads the facts of a decision hands it over. */
export interface StoredPolicy {
  readonly key: string;
  readonly version: number;
  /** As it was written; it was checked then. */
  readonly definition: unknown;
}

type CapDefinition = Extract<PolicyDefinition, { kind: 'cap' }>;

/**
 * The rules of the pure gates behind stored policies. A rule that cannot be read stops the decision: to pass over it
 * would open a gate.
 *
 * @throws ZodError for a definition that was not written by this feature
 */
export function toRules(policies: readonly StoredPolicy[]): {
  readonly capRules: readonly CapRule[];
  readonly quietRules: readonly QuietRule[];
} {
  const capRules: CapRule[] = [];
  const quietRules: QuietRule[] = [];
  for (const { key, version, definition: stored } of policies) {
    const definition = PolicyDefinition.parse(stored);
    switch (definition.kind) {
      case 'cap':
        capRules.push(toCapRule(key, version, definition));
        break;
      case 'quiet_hours': {
        const { channel, start, end } = definition;
        const minutes = { startMinute: minuteOfDay(start), endMinute: minuteOfDay(end) };
        quietRules.push(everydayRule({ id: key, version, origin: 'policy', channels: [channel], ...minutes }));
      }
    }
  }
  return { capRules, quietRules };
}

function toCapRule(id: string, version: number, definition: CapDefinition): CapRule {
  const { limit, purposes, on_hit: onHit } = definition;
  const givesBackOn = ['failed'] as const;
  return { id, version, scope: toScope(definition), limit, window: toWindow(definition), purposes, givesBackOn, onHit };
}

function toScope({ scope }: CapDefinition): CapScope {
  return scope.kind === 'journey' ? { kind: 'journey', journeyKey: scope.journey } : scope;
}

function toWindow({ window }: CapDefinition): CapWindow {
  if (window.kind === 'calendar') return window;
  const durationMs = parseDuration(window.duration);
  assert(durationMs !== null, `a stored window has no length: ${window.duration}`);
  return { kind: 'rolling', durationMs };
}
