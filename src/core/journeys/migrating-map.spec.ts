import { compile } from './compile.js';
import type { StepDefinition } from './definition.js';
import { decide, end, message, purchase, wait } from '../../../test/support/interpreter-host.js';
import { readMap, type WantedTarget } from './migrating-map.js';
import type { Plan } from './plan.js';

function version(number: number, steps: readonly StepDefinition[]): Plan {
  const compiled = compile({ key: 'trial', name: 'Trial', steps }, { version: number, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

const one = version(1, [message('hello'), wait('pause'), message('bye'), wait('rest'), end()]);
const two = (...steps: readonly StepDefinition[]): Plan => version(2, [...steps, end()]);
const read = (to: Plan, steps: Record<string, WantedTarget>, from = one, offers: Record<string, string> = {}) =>
  readMap(from, to, steps, offers);
const faults = (...args: Parameters<typeof read>): readonly string[] => {
  const map = read(...args);
  return map.kind === 'faults' ? map.faults.map(({ path, message: text }) => `${path}: ${text}`) : [];
};

describe('a map from version to version', () => {
  it('keeps a wait wherever the new step can take it over, unless it is told otherwise', () => {
    const to = two(wait('later'), message('note'), purchase({ on_event: 'done', on_timeout: 'done' }));
    const steps = {
      pause: { step: 'later' },
      rest: { step: 'purchase' },
      bye: { step: 'note' },
      hello: { step: 'note', keep: 'restart' as const },
    };
    expect(read(to, steps)).toEqual({
      kind: 'map',
      steps: {
        pause: { step: 'later', keep: 'wait' },
        rest: { step: 'purchase', keep: 'wait' },
        bye: { step: 'note', keep: 'wait' },
        hello: { step: 'note', keep: 'restart' },
      },
    });
    expect(read(two(message('note')), { pause: { step: 'note' } })).toMatchObject({
      steps: { pause: { keep: 'restart' } },
    });
  });

  it('names every fault and its place', () => {
    const to = two(wait('later'), message('note'));
    expect(
      faults(to, { nowhere: { step: 'later' }, pause: { step: 'nowhere' }, rest: { step: 'note', keep: 'wait' } }),
    ).toEqual([
      'steps.nowhere: version 1 has no step "nowhere"',
      'steps.pause: version 2 has no step "nowhere"',
      'steps.rest: "note" cannot go on with the wait of "rest"',
    ]);
    expect(faults(one, { pause: { step: 'rest' } })).toContain('to_version: is the version that the runs are in');
    expect(faults(to, { constructor: { step: 'later' } })).toEqual([
      'steps.constructor: version 1 has no step "constructor"',
    ]);
    expect(faults(to, { pause: { step: 'toString' } })).toEqual(['steps.pause: version 2 has no step "toString"']);
  });

  const may = (id: string): string => `a run could come to "${id}", and may have sent the same before`;
  it.each<[string, Plan, string, WantedTarget, readonly string[]]>([
    ['the same step', two(wait('w'), message('hello')), 'pause', { step: 'w' }, [may('hello')]],
    ['the step itself', two(message('hello')), 'pause', { step: 'hello' }, [may('hello')]],
    [
      'the same template',
      two(wait('w'), { ...message('x'), template: 'hello' } as StepDefinition),
      'pause',
      { step: 'w' },
      [may('x')],
    ],
    ['what comes after the step only', two(wait('w'), message('bye')), 'pause', { step: 'w' }, []],
    ['what came before the step', two(wait('w'), message('bye')), 'rest', { step: 'w' }, [may('bye')]],
    ['what the run is still asking about', two(message('hello')), 'hello', { step: 'hello' }, []],
    ['what lies behind the target', two(message('hello'), wait('w')), 'rest', { step: 'w' }, []],
  ])('looks for repeats: %s', (_what, to, id, target, expected) => {
    expect(faults(to, { [id]: target }).map((text) => text.slice(`steps.${id}: `.length))).toEqual(expected);
  });

  it('knows templates behind actions, and actions themselves', () => {
    const from = version(1, [decide('offer'), wait('pause'), end()]);
    const steps = { pause: { step: 'w' } };
    expect(faults(two(wait('w'), message('mail')), steps, from, { reminder: 'email:mail' })).toHaveLength(1);
    expect(faults(two(wait('w'), message('mail')), steps, from, { reminder: 'email:other' })).toEqual([]);
    const again: StepDefinition = { kind: 'decide', id: 'new', actions: ['help'] };
    expect(faults(two(wait('w'), again), steps, from)).toHaveLength(1);
    expect(faults(two(wait('w'), { ...again, actions: ['else'] }), steps, from)).toEqual([]);
  });

  it('lets through what a loop of the old version sends again', () => {
    const loop = (number: number): Plan =>
      version(number, [message('hello'), purchase({ on_event: 'hello', on_timeout: 'done' }), end()]);
    expect(readMap(loop(1), loop(2), { purchase: { step: 'purchase' } }, {})).toMatchObject({ kind: 'map' });
  });
});
