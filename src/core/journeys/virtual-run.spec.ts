import type { StepDefinition } from './definition.js';
import { compile } from './compile.js';
import type { RunEvent } from './interpreter-state.js';
import { liveVirtually, type VirtualEntry, type VirtualWorld } from './virtual-run.js';

const FROM = Date.parse('2027-03-08T10:00:00Z');
const HOUR_MS = 3_600_000;
const unit = { userId: 'user', runKey: 'trial:user:once' };

const world = (events: readonly RunEvent[] = []): VirtualWorld => ({
  runStep: (_command, now) =>
    now < FROM + 2 * HOUR_MS
      ? { kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until: FROM + 2 * HOUR_MS }
      : { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' },
  holds: () => true,
  choose: () => null,
  findMoment: () => null,
  act: () => ({ kind: 'done' }),
  findEvent: ({ after, until }) => events.find(({ occurredAt }) => occurredAt > after && occurredAt <= until) ?? null,
});

function live(steps: readonly StepDefinition[], entry: Partial<VirtualEntry> = {}, events: readonly RunEvent[] = []) {
  const definition = { key: 'trial', name: 'Trial', exit: { events: ['purchase'] }, steps };
  const compiled = compile(definition, { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  const asked = { entryAt: FROM, until: FROM + 100 * HOUR_MS, unit, ...entry };
  const run = liveVirtually(compiled.plan, asked, world(events));
  const turns: (readonly [string, number])[] = [];
  for (let step = run.next(); ; step = run.next()) {
    if (step.done === true) return { turns, end: step.value };
    const { entered, now } = step.value;
    if (entered.length > 0) turns.push([entered.join(' '), (now - FROM) / HOUR_MS]);
  }
}

const end = { kind: 'end', id: 'done', reason: 'done' } as const;
const wait = { kind: 'wait', id: 'pause', duration: 'PT3H' } as const;
const message = { kind: 'message', id: 'hello', channel: 'email', template: 'hello' } as const;

describe('a run in virtual time', () => {
  it('skips every wait, and tells where it came to and when', () => {
    expect(live([wait, message, end])).toEqual({
      turns: [
        ['pause', 0],
        ['hello', 3],
        ['done', 3],
      ],
      end: { kind: 'ended', outcome: 'completed', reason: 'done', stepId: 'done', at: FROM + 3 * HOUR_MS },
    });
  });

  it('asks again when a deferral is over', () => {
    expect(live([message, end]).end).toMatchObject({ at: FROM + 2 * HOUR_MS });
  });

  it('is left where it is when the time is over: an end at the last instant still counts', () => {
    expect(live([wait, end], { until: FROM + 3 * HOUR_MS - 1 }).end).toEqual({ kind: 'unfinished', stepId: 'pause' });
    expect(live([wait, end], { until: FROM + 3 * HOUR_MS }).end).toMatchObject({ kind: 'ended' });
  });

  it('is ended by an event in the middle of a wait, at its instant', () => {
    const purchase = { messageId: 'm', name: 'purchase', occurredAt: FROM + HOUR_MS };
    const { end: found } = live([wait, message, end], {}, [purchase]);
    expect(found).toMatchObject({ outcome: 'exited', reason: 'exit_event:purchase', at: FROM + HOUR_MS });
  });

  it('tells steps that it comes to in one turn in the order of the plan, in a loop too', () => {
    const arms = ['a', 'b'].map((name) => ({ name, percent: 50, next: 'pause' }));
    const loop = { ...wait, max_visits: 3, on_max_visits: 'done', next: 'split' };
    expect(live([loop, { kind: 'split', id: 'split', arms }, end]).turns).toEqual([
      ['pause', 0],
      ['split pause', 3],
      ['split pause', 6],
      ['split done', 9],
    ]);
  });

  it('lives by the clock of a host that is late, which never runs backwards', () => {
    const late = [FROM + 5, FROM + 3 * HOUR_MS + 9, FROM + 3 * HOUR_MS + 9];
    const { end: found } = live([wait, end], { reachedAt: (dueAt) => late.shift() ?? dueAt });
    expect(found).toMatchObject({ at: FROM + 3 * HOUR_MS + 9 });
  });
});
