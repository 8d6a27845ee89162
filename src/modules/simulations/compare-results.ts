import { PATHS_SHOWN_MAX, type Differences, type SimulationFigures } from './simulation-result.js';

const COST_DIGITS = 1e6;

type Counts = Readonly<Record<string, number>>;

/** What came of one version. */
export interface Compared {
  readonly figures: SimulationFigures;
  /** All ways that were taken: one that is rare in the one version may be frequent in the other. */
  readonly ways: ReadonlyMap<string, number>;
}

/** What another version changes: `other` minus `base`, for the same users, seed and events. */
export function compareResults(
  { figures: base, ways }: Compared,
  { figures: other, ways: otherWays }: Compared,
): Differences {
  return {
    sent: other.sent - base.sent,
    cost: Math.round((other.cost - base.cost) * COST_DIGITS) / COST_DIGITS,
    silences: countsBetween(byReason(base, 'silences'), byReason(other, 'silences')),
    put_off: countsBetween(byReason(base, 'put_off'), byReason(other, 'put_off')),
    caps: capsBetween(base, other),
    days: daysBetween(base, other),
    steps: stepsBetween(base, other),
    paths: pathsBetween(ways, otherWays),
    ends: endsBetween(base, other),
  };
}

/** Of all days together. */
function byReason({ days }: SimulationFigures, what: 'silences' | 'put_off'): Counts {
  const totals = new Map<string, number>();
  for (const day of days) {
    for (const [reason, count] of Object.entries(day[what])) totals.set(reason, (totals.get(reason) ?? 0) + count);
  }
  return Object.fromEntries(totals);
}

/** In the order of their names, without those that are equal. */
function countsBetween(base: Counts, other: Counts): Record<string, number> {
  const differences = namesOf(base, other).map((name) => [name, (other[name] ?? 0) - (base[name] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

const namesOf = (base: object, other: object): readonly string[] =>
  [...new Set([...Object.keys(base), ...Object.keys(other)])].sort();

function capsBetween({ caps: base }: SimulationFigures, { caps: other }: SimulationFigures): Differences['caps'] {
  const differences = namesOf(base, other).map((rule) => {
    const [before, after] = [base[rule], other[rule]];
    const difference = {
      refused: (after?.refused ?? 0) - (before?.refused ?? 0),
      put_off: (after?.put_off ?? 0) - (before?.put_off ?? 0),
    };
    return [rule, difference] as const;
  });
  return Object.fromEntries(differences.filter(([, difference]) => !isNothing(difference)));
}

/** The greatest changes first. */
function pathsBetween(base: Compared['ways'], other: Compared['ways']): Differences['paths'] {
  return [...new Set([...base.keys(), ...other.keys()])]
    .map((way) => ({ way, count: (other.get(way) ?? 0) - (base.get(way) ?? 0) }))
    .filter(({ count }) => count !== 0)
    .sort((left, right) => Math.abs(right.count) - Math.abs(left.count) || (left.way < right.way ? -1 : 1))
    .slice(0, PATHS_SHOWN_MAX)
    .map(({ way, count }) => ({ steps: way.split(' '), count }));
}

function daysBetween(base: SimulationFigures, other: SimulationFigures): Differences['days'] {
  return base.days.flatMap((day, index) => {
    const [before, after] = [dayTotals(day), dayTotals(other.days[index])];
    const difference = {
      entered: after.entered - before.entered,
      sent: after.sent - before.sent,
      silences: after.silences - before.silences,
      put_off: after.put_off - before.put_off,
    };
    return isNothing(difference) ? [] : [{ date: day.date, ...difference }];
  });
}

function dayTotals(day: SimulationFigures['days'][number] | undefined) {
  const sent = Object.values(day?.sent ?? {}).reduce((total, actions) => total + sumOf(actions), 0);
  return { entered: day?.entered ?? 0, sent, silences: sumOf(day?.silences), put_off: sumOf(day?.put_off) };
}

function stepsBetween({ steps: base }: SimulationFigures, { steps: other }: SimulationFigures): Differences['steps'] {
  const ids = [...new Set([...Object.keys(base), ...Object.keys(other)])];
  const differences = ids.map((id) => {
    const [before, after] = [base[id], other[id]];
    const counted = {
      entered: (after?.entered ?? 0) - (before?.entered ?? 0),
      sent: (after?.sent ?? 0) - (before?.sent ?? 0),
      refused: sumOf(after?.refused) - sumOf(before?.refused),
    };
    const reasons = countsBetween(before?.refused ?? {}, after?.refused ?? {});
    return { id, counted, reasons };
  });
  return Object.fromEntries(
    differences
      .filter(({ counted, reasons }) => !isNothing(counted) || !isNothing(reasons))
      .map(({ id, counted, reasons }) => [id, { ...counted, reasons }]),
  );
}

function endsBetween(base: SimulationFigures, other: SimulationFigures): Differences['ends'] {
  const known = new Map<string, Differences['ends'][number]>();
  for (const [figures, sign] of [
    [base, -1],
    [other, 1],
  ] as const) {
    for (const { outcome, reason, count } of figures.ends) {
      const key = `${outcome} ${reason}`;
      known.set(key, { outcome, reason, count: (known.get(key)?.count ?? 0) + sign * count });
    }
  }
  return [...known.values()].filter(({ count }) => count !== 0);
}

const sumOf = (counts: Counts = {}): number => Object.values(counts).reduce((total, count) => total + count, 0);

const isNothing = (difference: Counts): boolean => Object.values(difference).every((count) => count === 0);
