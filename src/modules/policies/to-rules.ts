import type { Factors, Holdout } from '../../core/decisions/types.js';
import type { CapRule } from '../../core/fatigue/cap-rule.js';
import type { FatigueModel } from '../../core/fatigue/fatigue-model.js';
import type { PauseRule } from '../../core/fatigue/pause-rule.js';
import { assert, unreachable } from '../../core/kernel/assert.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import type { Cap, Fatigue, Pause } from './contact-definitions.dto.js';
import { minuteOfDay, toMs } from './definition-fields.js';
import type { HoldoutDefinition } from './choice-definitions.dto.js';
import type { PolicyDefinition } from './policies.dto.js';
import type { LegalOverlay, QuietHours } from './quiet-definitions.dto.js';
import { readDefinition } from './read-definition.js';
import type { Rules } from './rules.js';

/** A stored policy, as whoever reads the facts of a decision hands it over. */
export interface StoredPolicy {
  readonly key: string;
  readonly version: number;
  /** As it was written; it was checked then. */
  readonly definition: unknown;
}

const EVERY_FACTOR: Factors = { propensity: true, context: true, value: true, levers: true };

/** Names a rule in what is recorded. */
interface Named {
  readonly id: string;
  readonly version: number;
}

/**
 * All rules behind the stored policies, which must be those in force. Reads each definition once: keep the answer for as
 * long as the definitions stay the same. A rule that cannot be read stops the decision: to pass over it would open a gate.
 *
 * @throws ZodError for a definition that was not written by this feature
 * @throws AssertionError if there are several of what there may be one
 */
export function toRules(policies: readonly StoredPolicy[]): Rules {
  const capRules: CapRule[] = [];
  const quietRules: QuietRule[] = [];
  const pauseRules: PauseRule[] = [];
  const fatigueModels: FatigueModel[] = [];
  const arbitrations: Extract<PolicyDefinition, { kind: 'arbitration' }>[] = [];
  const holdouts: Holdout[] = [];
  const weights = { issue: new Map<string, number>(), group: new Map<string, number>() };
  for (const { key: id, version, definition: stored } of policies) {
    const definition = readDefinition(stored);
    switch (definition.kind) {
      case 'cap':
        capRules.push(toCapRule({ id, version }, definition));
        break;
      case 'quiet_hours':
      case 'legal_overlay':
        quietRules.push(toQuietRule({ id, version }, definition));
        break;
      case 'pause':
        pauseRules.push(toPauseRule({ id, version }, definition));
        break;
      case 'fatigue':
        fatigueModels.push(toFatigueModel({ id, version }, definition));
        break;
      case 'lever': {
        const ofTarget = weights[definition.target];
        ofTarget.set(definition.name, (ofTarget.get(definition.name) ?? 0) + definition.weight);
        break;
      }
      case 'arbitration':
        arbitrations.push(definition);
        break;
      case 'holdout':
        holdouts.push(toHoldout({ id, version }, definition));
        break;
      default:
        unreachable(definition);
    }
  }
  const arbitration = single(arbitrations, 'arbitration');
  return {
    capRules,
    quietRules,
    pauseRules,
    fatigueModel: single(fatigueModels, 'fatigue'),
    levers: { issues: Object.fromEntries(weights.issue), groups: Object.fromEntries(weights.group) },
    factors: arbitration?.use ?? EVERY_FACTOR,
    doNothingValue: arbitration?.do_nothing_value ?? 0,
    holdouts,
  };
}

function single<T>(found: readonly T[], kind: string): T | null {
  assert(found.length <= 1, `${found.length} policies of the kind ${kind} are in force`);
  return found[0] ?? null;
}

/** A cap of the API as the gate takes it. */
export function toCapRule(named: Named, definition: Cap): CapRule {
  const { scope, limit = 1, purposes, gives_back_on: givesBackOn, on_hit: onHit } = definition;
  return {
    ...named,
    scope: scope.kind === 'journey' ? { kind: 'journey', journeyKey: scope.journey } : scope,
    limit,
    window: toWindow(definition),
    purposes,
    givesBackOn,
    onHit,
  };
}

function toWindow({ window }: Cap): CapRule['window'] {
  return window.kind === 'calendar' ? window : { kind: window.kind, durationMs: toMs(window.duration) };
}

/** Quiet hours of the company or of the law as the gate takes them. */
export function toQuietRule(named: Named, definition: QuietHours | LegalOverlay): QuietRule {
  const { channels, purposes, jurisdictions, weekdays, dates, ttl, source } = definition;
  return {
    ...named,
    origin: definition.kind === 'legal_overlay' ? 'law' : 'policy',
    channels,
    purposes,
    jurisdictions,
    weekdays,
    dates,
    startMinute: minuteOfDay(definition.start),
    endMinute: minuteOfDay(definition.end),
    effectiveFrom: definition.effective_from,
    effectiveUntil: definition.effective_until,
    onHit: definition.on_hit,
    ttlMs: ttl === null ? null : toMs(ttl),
    source,
  };
}

/** A pause of the API as the gate takes it. */
export function toPauseRule(named: Named, { outcomes, count, within, scope, pause_for, purposes }: Pause): PauseRule {
  return { ...named, outcomes, count, withinMs: toMs(within), scope, pauseMs: toMs(pause_for), purposes };
}

/** A model of fatigue of the API as the gate and the arbitration take it. */
export function toFatigueModel(named: Named, definition: Fatigue): FatigueModel {
  return {
    ...named,
    halfLifeMs: toMs(definition.half_life),
    contactWeight: definition.contact_weight,
    outcomeWeights: definition.outcome_weights,
    costPerScore: definition.cost_per_score,
    threshold: definition.threshold,
  };
}

/** A holdout of the API as the gate takes it: without a salt of its own it has the policy's key. */
export function toHoldout(named: Named, { share, salt, purposes }: HoldoutDefinition): Holdout {
  return { ...named, salt: salt ?? named.id, share, purposes };
}
