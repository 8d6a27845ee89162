import type { CapRule, CapScope, CapWindow } from '../../src/core/fatigue/cap-rule.js';
import type { FatigueModel } from '../../src/core/fatigue/fatigue-model.js';
import type { PauseRule } from '../../src/core/fatigue/pause-rule.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import type { Holdout } from '../../src/core/decisions/types.js';
import type { OnQuiet, QuietRule } from '../../src/core/quiet-hours/quiet-rule.js';
import type { Definitions } from './model.js';
import { JURISDICTIONS } from './places.js';
import type { Random } from './random.js';

/** The names that worlds are made of. */
export const CHANNELS = ['email', 'sms', 'push'] as const;
export const PURPOSES = ['marketing', 'news'] as const;
export const BRANDS = ['default', 'acme'] as const;
export const TAGS = ['sale', 'weekly'] as const;
export const GROUPS = ['retention', 'upsell'] as const;
export const JOURNEYS = ['welcome', 'winback', 'digest', 'launch'] as const;

const purposesOf = (random: Random): readonly string[] =>
  random.weighted<readonly string[]>([
    [PURPOSES, 3],
    [['marketing'], 3],
    [['news'], 1],
  ]);

const SOME_HOURS = [1, 6, 24, 48, 168] as const;

function capWindow(random: Random): CapWindow {
  switch (random.int(0, 5)) {
    case 0:
    case 1:
      return { kind: 'calendar', unit: random.pick(['day', 'day', 'week', 'month'] as const) };
    case 2:
    case 3:
      return { kind: 'rolling', durationMs: random.pick(SOME_HOURS) * HOUR_MS };
    default:
      return { kind: 'min_gap', durationMs: random.pick([10 * MINUTE_MS, HOUR_MS, 8 * HOUR_MS]) };
  }
}

function capScope(random: Random): CapScope {
  switch (random.int(0, 6)) {
    case 0:
      return { kind: 'channel', channel: random.pick(CHANNELS) };
    case 1:
      return { kind: 'journey', journeyKey: random.pick(JOURNEYS) };
    case 2:
      return { kind: 'tag', tag: random.pick(TAGS) };
    case 3:
      return { kind: 'group', group: random.pick(GROUPS) };
    default:
      return { kind: 'global' };
  }
}

/** Any limit that an operator could set. */
function capRule(random: Random, id: string, version: number): CapRule {
  const window = capWindow(random);
  const isLong = window.kind === 'calendar' ? window.unit !== 'day' : window.durationMs > DAY_MS;
  return {
    id,
    version,
    scope: capScope(random),
    limit: window.kind === 'min_gap' ? 1 : isLong ? random.int(2, 6) : random.int(random.chance(0.04) ? 0 : 1, 2),
    window,
    purposes: purposesOf(random),
    // The last two hold their places whatever the rule says.
    givesBackOn: random.some(['failed', 'bounced', 'complained', 'unknown', 'sending'] as const, 0.5),
    onHit: random.weighted([
      ['drop', 2],
      ['defer', 5],
      ['degrade_channel', 2],
      ['skip', 1],
    ]),
  };
}

/** Any quiet window that an operator or a law could set. @param startDate of the world, for rules that begin within it */
function quietRule(random: Random, id: string, version: number, startDate: string): QuietRule {
  const isRareDay = random.chance(0.3);
  const dayIn = (from: number, to: number): string =>
    new Date(Date.parse(startDate) + random.int(from, to) * DAY_MS).toISOString().slice(0, 10);
  const onHit = random.weighted<OnQuiet>([
    ['defer', 5],
    ['switch_channel', 3],
    ['drop', 1],
  ]);
  const startMinute = random.pick([18 * 60, 20 * 60, 21 * 60, 22 * 60 + 30, 9 * 60, 0]);
  // Equal ends are a whole day: only on days that are rare, or nothing would ever be allowed.
  const lengthMinutes = isRareDay ? random.pick([0, 8 * 60, 20 * 60]) : random.pick([3 * 60, 8 * 60, 11 * 60 + 15]);
  return {
    id,
    version,
    origin: random.pick(['policy', 'law']),
    // Where another channel is to step in, one must be left.
    channels:
      onHit === 'switch_channel' ? [random.pick(CHANNELS)] : random.chance(0.4) ? null : random.some(CHANNELS, 0.6),
    purposes: random.chance(0.6) ? null : purposesOf(random),
    jurisdictions: random.chance(0.6) ? null : random.some(JURISDICTIONS, 0.3),
    weekdays: isRareDay && random.chance(0.6) ? [random.int(1, 7), 7] : null,
    dates: isRareDay ? [dayIn(0, 20), dayIn(0, 20).slice(5), '12-25'] : null,
    startMinute,
    endMinute: (startMinute + lengthMinutes) % 1_440,
    effectiveFrom: random.chance(0.15) ? dayIn(0, 10) : null,
    effectiveUntil: random.chance(0.15) ? dayIn(7, 20) : null,
    onHit,
    ttlMs: random.chance(0.15) ? random.pick([2, 6, 24]) * HOUR_MS : null,
    source: random.chance(0.3) ? 'Act of 2027, section 1' : null,
  };
}

/** What rests after what became of contacts. */
function pauseRule(random: Random, id: string, version: number): PauseRule {
  return {
    id,
    version,
    outcomes: random.pick([['complained', 'unsubscribed'], ['dismissed', 'ignored'], ['sent'], ['failed', 'bounced']]),
    count: random.int(1, 3),
    withinMs: random.int(1, 5) * DAY_MS,
    scope: random.pick(['action', 'group', 'channel']),
    pauseMs: random.int(1, 3) * DAY_MS,
    purposes: purposesOf(random),
  };
}

/** How tired people get. */
function fatigueModel(random: Random, version: number): FatigueModel {
  return {
    id: 'fatigue',
    version,
    halfLifeMs: random.int(1, 4) * DAY_MS,
    contactWeight: random.pick([0.1, 0.3, 0.5]),
    outcomeWeights: { complained: 1, dismissed: 0.4, opened: -0.1, clicked: -0.3 },
    costPerScore: random.pick([0, 0.5, 2]),
    threshold: random.pick([null, 0.5, 0.7, 0.9]),
  };
}

/** A part of the people that is left alone. */
function holdout(random: Random, id: string, version: number): Holdout {
  const share = random.pick([0.05, 0.1, 0.2]);
  return { id, version, salt: `${id}-${random.int(1, 99)}`, share, purposes: purposesOf(random) };
}

/** The rules that a world begins with: mostly few and gentle enough that something is still sent. */
export function firstPolicies(random: Random, startDate: string): Omit<Definitions, 'actions' | 'templates'> {
  const list = <T>(counts: readonly number[], make: (id: number) => T): T[] =>
    Array.from({ length: random.pick(counts) }, (_, id) => make(id));
  return {
    capRules: list([0, 1, 1, 2, 3, 4], (id) => capRule(random, `cap-${id}`, 1)),
    quietRules: list([0, 1, 1, 2, 2, 3], (id) => quietRule(random, `quiet-${id}`, 1, startDate)),
    pauseRules: list([0, 0, 1, 2], (id) => pauseRule(random, `pause-${id}`, 1)),
    holdouts: list([0, 0, 1, 2], (id) => holdout(random, `holdout-${id}`, 1)),
    fatigueModel: random.chance(0.5) ? fatigueModel(random, 1) : null,
    factors: {
      propensity: random.chance(0.9),
      context: random.chance(0.9),
      value: random.chance(0.9),
      levers: random.chance(0.9),
    },
    doNothingValue: random.pick([0, 0, 0, 0.2]),
  };
}

/** One decision of an operator: a rule set anew, taken back or altered. A rule keeps its id and gets a new version. */
export function changePolicy(random: Random, old: Definitions, revision: number, startDate: string): Definitions {
  const replaceIn = <T extends { readonly id: string }>(list: readonly T[], make: (id: string) => T): readonly T[] => {
    const victim = random.chance(0.8) && list.length > 0 ? random.pick(list) : null;
    if (victim === null) return [...list, make(`rule-${revision}`)];
    const rest = list.filter((one) => one !== victim);
    return random.chance(0.3) ? rest : [...rest, make(victim.id)];
  };
  switch (random.int(0, 6)) {
    case 0:
    case 1:
      return { ...old, capRules: replaceIn(old.capRules, (id) => capRule(random, id, revision)) };
    case 2:
    case 3:
      return { ...old, quietRules: replaceIn(old.quietRules, (id) => quietRule(random, id, revision, startDate)) };
    case 4:
      return { ...old, pauseRules: replaceIn(old.pauseRules, (id) => pauseRule(random, id, revision)) };
    case 5:
      return { ...old, fatigueModel: random.chance(0.4) ? null : fatigueModel(random, revision) };
    default: {
      const actions = new Map(old.actions);
      const action = random.pick([...actions.values()]);
      const isActive = action.isActive ? random.chance(0.5) : true;
      actions.set(action.key, { ...action, version: revision, isActive, value: random.int(1, 20) / 10 });
      return { ...old, actions };
    }
  }
}
