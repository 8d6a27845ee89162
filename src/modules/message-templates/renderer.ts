import { Liquid, type Template } from 'liquidjs';

/** The three parts of an e-mail, as authors write them or as recipients get them. */
export interface MessageContent {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

export type MessagePart = keyof MessageContent;

/** A template, parsed once and rendered often. */
export type ParsedContent = Readonly<Record<MessagePart, readonly Template[]>>;

export interface TemplateFault {
  readonly path: string;
  readonly message: string;
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
const SUBJECT_CHARACTERS_MAX = 998;
/** Would read other templates or files. */
const TAGS_REFUSED = ['include', 'render', 'layout', 'block'];

function makeEngine(outputEscape?: 'escape'): Liquid {
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
  // With it, an author could let a stranger's text through as HTML.
  Reflect.deleteProperty(engine.filters, 'raw');
  return engine;
}

const plain = makeEngine();
const escaping = makeEngine('escape');

const engineOf = (part: MessagePart): Liquid => (part === 'html' ? escaping : plain);

/** Parses all parts, or tells every fault with its part, line and column. */
export function parseContent(
  content: MessageContent,
):
  | { readonly kind: 'parsed'; readonly content: ParsedContent }
  | { readonly kind: 'faults'; readonly faults: readonly TemplateFault[] } {
  const faults: TemplateFault[] = [];
  const parsePart = (part: MessagePart): readonly Template[] => {
    try {
      const templates = engineOf(part).parse(content[part]);
      faults.push(...unknownNames(part, templates));
      return templates;
    } catch (error) {
      faults.push({ path: part, message: messageOf(error) });
      return [];
    }
  };
  const parsed = { subject: parsePart('subject'), html: parsePart('html'), text: parsePart('text') };
  return faults.length === 0 ? { kind: 'parsed', content: parsed } : { kind: 'faults', faults };
}

/**
 * Fills a template in. Values are escaped in the HTML part and nowhere else; a value that is missing is empty.
 *
 * @throws RenderError when it takes too long, grows too large, or would put a line break into the subject
 */
export function renderContent(content: ParsedContent, context: Readonly<Record<string, unknown>>): MessageContent {
  const subject = renderPart('subject', content, context);
  const html = renderPart('html', content, context);
  const text = renderPart('text', content, context);
  if (/\p{Cc}/u.test(subject)) throw new RenderError('the subject holds a control character such as a line break');
  if (subject.trim() === '') throw new RenderError('the subject is empty');
  if (subject.length > SUBJECT_CHARACTERS_MAX) throw new RenderError('the subject is too long');
  return { subject, html, text };
}

/** One part alone, e.g. to look at a body whose subject does not matter. @throws RenderError */
export function renderPart(
  part: MessagePart,
  content: ParsedContent,
  context: Readonly<Record<string, unknown>>,
): string {
  let text: string;
  try {
    text = String(engineOf(part).renderSync([...content[part]], context));
  } catch (error) {
    throw new RenderError(`${part}: ${messageOf(error)}`, { cause: error });
  }
  if (text.length > RENDERED_CHARACTERS_MAX)
    throw new RenderError(`${part}: more than ${RENDERED_CHARACTERS_MAX} characters`);
  return text;
}

function unknownNames(part: MessagePart, templates: Template[]): readonly TemplateFault[] {
  const names = plain.globalVariablesSync(templates).filter((name) => !ROOTS.has(name));
  return [...new Set(names)].map((name) => ({
    path: part,
    message: `"${name}" is not known here; templates see ${[...ROOTS].join(', ')}`,
  }));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
