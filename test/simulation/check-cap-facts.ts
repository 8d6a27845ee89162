import type { GateVerdict } from '../../src/core/decisions/types.js';
import type { CapWindow } from '../../src/core/fatigue/cap-rule.js';
import type { Violation } from './checkers.js';
import { latestFirst, thoughtsOf } from './oracle/answer.js';
import { countedUnder, freesAt, fullCaps, strictestOf } from './oracle/caps.js';
import { capAsked, type Thought } from './oracle/objections.js';
import { count, type Scene } from './scene.js';

/** What a limit that has no room tells of itself is what an own count gives. */
export function capFactsAreTrue(scene: Scene): Violation | null {
  for (const row of scene.journal.decisions) {
    const verdicts = row.decision.gates.filter(({ gate, kind }) => gate === 'caps' && kind !== 'pass');
    if (verdicts.length === 0) continue;
    const thoughts = thoughtsOf(scene.store, row);
    for (const verdict of verdicts) {
      for (const thought of thoughts) {
        if (verdict.candidates?.includes(thought.candidate.key) !== true) continue;
        count(scene, 'facts of limits looked at');
        const wrong = untruthIn(verdict, thought);
        if (wrong === null) continue;
        return { rule: 'cap_facts', text: `${row.id} says of ${thought.candidate.key} ${wrong}`, userId: row.userId };
      }
    }
  }
  return null;
}

function untruthIn({ rule, until, facts }: GateVerdict, thought: Thought): string | null {
  const asked = capAsked(thought);
  const full = fullCaps(asked);
  const strictest = strictestOf(full, asked);
  if (strictest === undefined) return 'that there is no room, and there is';
  const counted = countedUnder(strictest, asked);
  const [latest] = [...counted].sort(latestFirst);
  const frees = Math.max(...full.map((each) => freesAt(each, asked)));
  const told = { rule, until, window: facts.window, limit: facts.limit, count: facts.count, last: facts.decisionId };
  const own = {
    rule: `${strictest.id}@${strictest.version}`,
    until: Number.isFinite(frees) ? frees : null,
    window: windowText(strictest.window),
    limit: strictest.limit,
    count: counted.length,
    last: latest?.decisionId ?? null,
  };
  return JSON.stringify(told) === JSON.stringify(own)
    ? null
    : `${JSON.stringify(told)}, and it is ${JSON.stringify(own)}`;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** As a reader is told it; one day is 24 hours, because it is no day of the calendar. */
function windowText(window: CapWindow): string {
  if (window.kind === 'calendar') return `calendar ${window.unit}`;
  const { durationMs } = window;
  const [name, unitMs] = UNITS.find(([, ms]) => durationMs % ms === 0 && durationMs !== 86_400_000) ?? UNITS[1];
  const number = durationMs / unitMs;
  return `${window.kind === 'min_gap' ? 'gap of ' : ''}${number} ${name}${number === 1 ? '' : 's'}`;
}
