import { readFileSync } from 'node:fs';
import { COMPILE_FAULTS } from '../../src/core/journeys/compile-faults.js';
import { compile } from '../../src/core/journeys/compile.js';
import { JourneyDefinitionDto } from '../../src/modules/journeys/definitions/journeys.dto.js';
import { RunConditionDto } from '../../src/modules/journeys/definitions/run-condition.dto.js';
import { StepDto } from '../../src/modules/journeys/definitions/step-definition.dto.js';
import { parseYaml } from '../../src/platform/http/yaml.js';

const page = readFileSync(new URL('../../docs/reference/journeys.md', import.meta.url), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);
const examples = blocks('json').map((text) => JSON.parse(text) as { readonly kind?: string; readonly id?: string });
const steps = examples.filter(({ id }) => id !== undefined);
type Shaped = { readonly shape: object } | { readonly options: readonly Shaped[] };
/** Of the shapes, those within others too. */
const kindsOf = (options: readonly Shaped[]): readonly string[] => [
  ...new Set(
    options.flatMap((option) =>
      'shape' in option ? [(option.shape as { kind: { value: string } }).kind.value] : kindsOf(option.options),
    ),
  ),
];
/** Every step that an example leads to. */
function targetsOf(value: unknown, name = ''): readonly string[] {
  if (typeof value === 'string') return /^(next|then|else|on_.+|step)$/.test(name) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => targetsOf(part, key));
}

/** The example as the second step of a journey, after a message and before the ends that it leads to. */
function journeyAround(step: { readonly kind?: string; readonly id?: string }, isFollowed: boolean): unknown {
  const first = { kind: 'message', id: 'before', channel: 'email', template: 'welcome' };
  const before = step.id === 'hello' ? first : { ...first, id: 'hello' };
  const words = new Set(targetsOf(step).filter((target) => ![before.id, 'continue', 'exit'].includes(target)));
  const ends = [...(isFollowed ? ['followed'] : []), ...words].map((id) => ({ kind: 'end', id }));
  return { key: 'a', name: 'A', steps: [before, step, ...ends] };
}

describe('docs/reference/journeys.md', () => {
  it('shows every kind of step under its own heading, in an example that is right', () => {
    const kinds = kindsOf(StepDto.options);
    expect(kinds).toHaveLength(11);
    expect([...new Set(steps.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
    for (const kind of kinds) expect(page).toMatch(new RegExp(`^### ${kind}$`, 'm'));
    for (const step of steps) expect([step, StepDto.safeParse(step).error]).toEqual([step, undefined]);
  });

  it('shows steps that compile', () => {
    for (const step of steps) {
      const compiled = [true, false].map((isFollowed) =>
        compile(JourneyDefinitionDto.parse(journeyAround(step, isFollowed)), { version: 1, contentHash: '' }),
      );
      expect([step, compiled.find(({ kind }) => kind === 'plan') ?? compiled]).toEqual([
        step,
        expect.objectContaining({ kind: 'plan' }),
      ]);
    }
  });

  it('shows parts of journeys and conditions that are right', () => {
    const others = examples.filter((example) => !steps.includes(example));
    expect(others.length).toBeGreaterThan(1);
    for (const example of others) {
      const journey = { key: 'a', name: 'A', steps: [{ kind: 'end', id: 'done' }], ...example };
      const parsed =
        example.kind === undefined ? JourneyDefinitionDto.safeParse(journey) : RunConditionDto.safeParse(example);
      expect([example, parsed.error]).toEqual([example, undefined]);
    }
  });

  it('shows a journey in YAML that compiles', () => {
    expect(blocks('yaml').length).toBeGreaterThan(0);
    for (const text of blocks('yaml')) {
      const compiled = compile(JourneyDefinitionDto.parse(parseYaml(text)), { version: 1, contentHash: '' });
      expect(compiled).toMatchObject({ kind: 'plan' });
    }
  });

  it('names every kind of condition', () => {
    const lazy = RunConditionDto as unknown as { readonly unwrap: () => { readonly options: typeof StepDto.options } };
    const kinds = kindsOf(lazy.unwrap().options);
    expect(kinds).toHaveLength(12);
    expect(kinds.filter((kind) => !page.includes(`\`${kind}\``))).toEqual([]);
  });

  it('names every fault, in the words of the closed list, and no other', () => {
    const section = page.slice(page.indexOf('## What is refused'), page.indexOf('## How runs end'));
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)].map(([, code, text]) => [code, text]);
    expect(Object.fromEntries(rows)).toEqual(COMPILE_FAULTS);
  });
});
