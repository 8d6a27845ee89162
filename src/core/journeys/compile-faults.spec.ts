import {
  end,
  journey,
  waiting,
  waitingFor,
  testing,
  splitting,
  setting,
  calling,
  starting,
  limited,
  above,
  exists,
  names,
} from '../../../test/support/definitions.js';
import { FAULTY_DEFINITIONS } from '../../../test/support/faulty-definitions.js';
import { COMPILE_FAULTS, type CompileFault } from './compile-faults.js';
import { compile } from './compile.js';
import type { JourneyDefinition } from './definition.js';

function faultsOf(definition: JourneyDefinition): readonly CompileFault[] {
  const compiled = compile(definition, { version: 1, contentHash: '' });
  return compiled.kind === 'faults' ? compiled.faults : [];
}

describe('faults of a definition', () => {
  it.each(FAULTY_DEFINITIONS)('refuses %s', (_what, definition, path, code) => {
    expect(faultsOf(definition)).toContainEqual(expect.objectContaining({ path, code }));
  });

  it('every kind of fault has a case', () => {
    const covered = new Set(FAULTY_DEFINITIONS.map(([, , , code]) => code));
    expect(Object.keys(COMPILE_FAULTS).filter((code) => !covered.has(code as keyof typeof COMPILE_FAULTS))).toEqual([]);
  });

  it('tells a wait of no time from a text that is no duration', () => {
    const messageOf = (duration: string): string | undefined => faultsOf(waiting({ duration }))[0]?.message;
    for (const none of ['PT0S', 'P0D', 'P0W', 'P0DT0H', 'PT00H0M'])
      expect(messageOf(none)).toMatch(/longer than no time/);
    for (const wrong of ['', 'P', 'PT', 'P1M', 'P0M', 'P0DT', '0']) expect(messageOf(wrong)).toMatch(/ISO 8601/);
  });

  it.each<[string, JourneyDefinition]>([
    ['a bound of no time below one of some', waiting({ between: ['PT0S', 'PT1S'] })],
    ['bounds that are equal', waiting({ between: ['PT1H', 'PT1H'] })],
    [
      'the same event with other conditions, and then without',
      waitingFor({
        events: [
          { event: 'a', where: above(1), next: 'done' },
          { event: 'a', where: above(2), next: 'done' },
          { event: 'a', next: 'done' },
        ],
      }),
    ],
    ['arms of odd decimals', splitting(['a', 33.33], ['b', 33.33], ['c', 33.34])],
    ['an arm that is switched off', splitting(['a', 100], ['b', 0])],
    ['ten names in a path', testing(exists('a.b.c.d.e.f.g.h.i.j'))],
    ['999 listed values', testing({ kind: 'in', attribute: 'a', values: Array<number>(999).fill(1) })],
    ['fifty data', calling(Object.fromEntries(names(50).map((name) => [name, 1])))],
    ['a journey by key that starts itself', starting({ journey: 'welcome', entry_key: 'again' }, 'parallel')],
    ['an attribute and its like', setting({ 'attributes.a': 1, 'attributes.ab': 1, lifecycle_stage: null })],
    [
      'a property of an event that is called run',
      waitingFor({ events: [{ event: 'a', where: { kind: 'exists', attribute: 'run.x' }, next: 'done' }] }),
    ],
    ['100 visits', limited({ max_visits: 100, on_max_visits: 'done' })],
    [
      'the outcome of a webhook, and its response',
      journey([
        { kind: 'webhook', id: 'hook', endpoint: 'crm' },
        {
          kind: 'branch',
          id: 'a',
          condition: {
            kind: 'all',
            of: [exists('run.responses.hook.score'), { kind: 'outcome', step: 'hook', is: 'sent' }],
          },
        },
        end(),
      ]),
    ],
  ])('accepts %s', (_what, definition) => {
    expect(faultsOf(definition)).toEqual([]);
  });
});
