import {
  definitionOf,
  isForVirtual,
  msOf,
  playCase,
  readJourneyCases,
  type JourneyCase,
  type Outcome,
} from '../../../test/support/journey-cases.js';
import { compile } from './compile.js';

const cases = readJourneyCases();

/** Within a turn only the last step is sure to stand last: those before it ended as soon as they began. */
function expectPath(each: JourneyCase, { path }: Outcome): void {
  let at = 0;
  for (const entered of path) {
    const expected = each.path.slice(at, at + entered.length);
    expect({ at, entered: [...entered].sort() }).toEqual({ at, entered: [...expected].sort() });
    at += entered.length;
  }
  expect(at).toBe(each.path.length);
}

describe('cases of journeys', () => {
  it('are many, each of its own name, and use every kind of step', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    expect(new Set(cases.map(({ key }) => key)).size).toBe(cases.length);
    const kinds = new Set(
      cases.flatMap((each) => {
        const compiled = compile(definitionOf(each), { version: 1, contentHash: '' });
        return compiled.kind === 'plan' ? Object.values(compiled.plan.steps).map(({ kind }) => kind) : [];
      }),
    );
    expect([...kinds].sort()).toEqual(
      [
        ...['act', 'branch', 'choose', 'decide', 'end', 'message', 'split', 'wait'],
        ...['wait_for', 'wait_for_any', 'wait_random', 'wait_until'],
      ].sort(),
    );
  });

  describe.each(cases.map((each) => [each.key, each] as const))('%s', (_key, each) => {
    it(`compiles: ${each.what}`, () => {
      expect(compile(definitionOf(each), { version: 1, contentHash: '' })).toMatchObject({ kind: 'plan' });
    });

    it.each(isForVirtual(each) ? [false, true] : [false])('goes its way (virtual time: %s)', (isVirtual) => {
      const outcome = playCase(each, isVirtual);
      expectPath(each, outcome);
      const { after, between, ...end } = each.end;
      expect(outcome.end).toMatchObject(end);
      const [first, last] = (between ?? [after, after]).map((length) => msOf(length ?? ''));
      expect(outcome.end.afterMs).toBeGreaterThanOrEqual(first ?? Number.NaN);
      expect(outcome.end.afterMs).toBeLessThanOrEqual(last ?? Number.NaN);
    });
  });
});
