import { EchoTag, Liquid, Output, type Filter, type Template, type Value } from 'liquidjs';
import type { Missing } from './authored-content.js';
import { childrenOf, PromotionalBlock } from './promotional-block.js';

/** One part of a message, parsed once and rendered often. */
export interface ParsedPart {
  /** How a value is written: escaped in HTML, with its quotes in JSON, else as it is. */
  readonly values: 'plain' | 'html' | 'json';
  readonly templates: readonly Template[];
}

/** What a part is filled in with. */
interface RenderValues {
  readonly context: Readonly<Record<string, unknown>>;
  readonly missing: Missing;
  /** What stands in JSON in the place of a missing value; null when left out. */
  readonly gap?: string;
}

/** A template cannot be rendered for this user: a fault of the content, not of the program. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
}

/** What templates may see. Any other name is a typing error, told when the template is saved. */
const ROOTS: ReadonlySet<string> = new Set([
  'user',
  'run',
  'company',
  'unsubscribe_url',
  'preferences_url',
  // Only in the template `double_opt_in`; empty elsewhere.
  'confirm_url',
]);

const PARSED_CHARACTERS_MAX = 400_000;
const RENDER_MS_MAX = 500;
const RENDER_MEMORY_MAX = 10_000_000;
const RENDERED_CHARACTERS_MAX = 1_000_000;
/** Would read other templates or files. */
const TAGS_REFUSED = ['include', 'render', 'layout', 'block'];
/** Under which a rendering is told what to do about missing values; no template can name a symbol. */
const MISSING = Symbol('missing');

function makeEngine(outputEscape?: 'escape' | ((value: unknown) => string)): Liquid {
  const engine = new Liquid({
    strictFilters: true,
    strictVariables: false,
    ownPropertyOnly: true,
    dynamicPartials: false,
    templates: {},
    parseLimit: PARSED_CHARACTERS_MAX,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: RENDER_MEMORY_MAX,
    ...(outputEscape === undefined ? {} : { outputEscape }),
  });
  for (const tag of TAGS_REFUSED) Reflect.deleteProperty(engine.tags, tag);
  engine.registerTag('promotional', PromotionalBlock);
  // With it, an author could let a stranger's text through as HTML.
  Reflect.deleteProperty(engine.filters, 'raw');
  return engine;
}

const plain = makeEngine();
/** Under which a rendering is told what JSON says in the place of a missing value. */
const GAP = Symbol('gap');

interface Rendering {
  readonly context: { readonly globals: { readonly [GAP]?: string } };
}

/** What is not there is null, whatever the author does about it otherwise. */
function jsonOf(this: unknown, value: unknown): string {
  const gap = (this as Rendering).context.globals[GAP] ?? null;
  return JSON.stringify(value ?? gap) ?? 'null';
}

function makeJsonEngine(): Liquid {
  const engine = makeEngine(jsonOf);
  // It would write JSON into JSON.
  engine.registerFilter('json', (value: unknown) => value);
  return engine;
}

const ENGINES: Readonly<Record<ParsedPart['values'], Liquid>> = {
  plain,
  html: makeEngine('escape'),
  json: makeJsonEngine(),
};

/** Parses one part, or tells what is wrong with it, with line and column. */
export function parsePart(
  source: string,
  { values }: Pick<ParsedPart, 'values'>,
):
  | { readonly kind: 'parsed'; readonly part: ParsedPart }
  | { readonly kind: 'faults'; readonly faults: readonly string[] } {
  try {
    const templates = ENGINES[values].parse(source);
    const faults = unknownNames(templates);
    if (faults.length > 0) return { kind: 'faults', faults };
    watchOutputs(templates);
    return { kind: 'parsed', part: { values, templates } };
  } catch (error) {
    return { kind: 'faults', faults: [messageOf(error)] };
  }
}

/**
 * Fills one part in.
 *
 * @param path the part's name, for the error
 * @throws RenderError when it takes too long, grows too large, or lacks a value and `missing` says to refuse
 */
export function renderPart(
  path: string,
  { values, templates }: ParsedPart,
  { context, missing, gap }: RenderValues,
): string {
  let text: string;
  try {
    text = String(ENGINES[values].renderSync([...templates], context, { globals: { [MISSING]: missing, [GAP]: gap } }));
  } catch (error) {
    throw new RenderError(`${path}: ${messageOf(error)}`, { cause: error });
  }
  if (text.length > RENDERED_CHARACTERS_MAX)
    throw new RenderError(`${path}: more than ${RENDERED_CHARACTERS_MAX} characters`);
  return text;
}

function unknownNames(templates: Template[]): readonly string[] {
  const names = plain.globalVariablesSync(templates).filter((name) => !ROOTS.has(name));
  return [...new Set(names)].map((name) => `"${name}" is not known here; templates see ${[...ROOTS].join(', ')}`);
}

/** Puts a look at the value before the first filter of every output that has no default. */
function watchOutputs(templates: readonly Template[]): void {
  for (const template of templates) {
    if (isOutput(template)) watch(template);
    watchOutputs(childrenOf(template));
  }
}

type OutputTemplate = Template & { readonly value?: Value };

function isOutput(template: Template): template is OutputTemplate {
  return template instanceof Output || template instanceof EchoTag;
}

function watch({ value, token }: OutputTemplate): void {
  if (value === undefined || value.filters.some(({ name }) => name === 'default')) return;
  const { filters } = value;
  const [name = ''] = token.getText().split(/\s*(?:\||-?[}%]\})/);
  filters.unshift(new ValueWatch(name.replace(/^\{[{%]-?\s*/, '').replace(/^echo\s+/, '')) as unknown as Filter);
}

/** In the place of a filter, which changes nothing. */
class ValueWatch {
  readonly args = [];
  readonly raw = false;

  constructor(readonly name: string) {}

  *render(value: unknown, { globals }: { readonly globals: { readonly [MISSING]?: Missing } }): Generator<unknown> {
    if ((value === null || value === undefined) && globals[MISSING] === 'refuse') {
      throw new Error(`${this.name} has no value here, and the template gives no default`);
    }
    return value;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
