import type { Differences, SimulationFigures } from './simulation-result.js';

const COST_DIGITS = 1e6;

/** What another version changes: `other` minus `base`, for the same users, seed and events. */
export function compareResults(base: SimulationFigures, other: SimulationFigures): Differences {
  return {
    sent: other.sent - base.sent,
    cost: Math.round((other.cost - base.cost) * COST_DIGITS) / COST_DIGITS,
    days: daysBetween(base, other),
    steps: stepsBetween(base, other),
    ends: endsBetween(base, other),
  };
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

function stepsBetween(base: SimulationFigures, other: SimulationFigures): Differences['steps'] {
  const ids = [...new Set([...Object.keys(base.steps), ...Object.keys(other.steps)])];
  const differences = ids.map((id) => {
    const [before, after] = [base.steps[id], other.steps[id]];
    const difference = {
      entered: (after?.entered ?? 0) - (before?.entered ?? 0),
      sent: (after?.sent ?? 0) - (before?.sent ?? 0),
      refused: sumOf(after?.refused) - sumOf(before?.refused),
    };
    return [id, difference] as const;
  });
  return Object.fromEntries(differences.filter(([, difference]) => !isNothing(difference)));
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

const sumOf = (counts: Readonly<Record<string, number>> = {}): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const isNothing = (difference: Readonly<Record<string, number>>): boolean =>
  Object.values(difference).every((count) => count === 0);
