import { Injectable } from '@nestjs/common';
import { chooseLocale } from '../../core/content/choose-locale.js';
import type { MessageContent } from '../../core/content/content.js';
import type { TrackingSettings } from '../../core/content/tracking.js';
import type { AuthoredMessage, Missing } from './authored-content.js';
import { faultsOfContract } from './contract-rules.js';
import { RenderError } from './liquid.js';
import { MessageTemplatesRepository } from './message-templates.repository.js';
import { parseContent, renderContent, type ParsedContent, type TemplateFault } from './renderer.js';

const PARSED_KEPT_MAX = 500;

/** A template in all its languages, parsed. */
interface ParsedMessage {
  readonly missing: Missing;
  readonly content: ParsedContent;
  readonly locales: ReadonlyMap<string, ParsedContent>;
  /** Paths of the parts that hold a promotional block, in all languages. */
  readonly promotional: readonly string[];
}

/** One version, with what it wants to learn of its readers. */
interface KnownVersion extends ParsedMessage {
  readonly tracking: TrackingSettings;
  /** Why nobody may get it: versions from before a rule are kept as they are, and are asked it when they are used. */
  readonly unlawful: readonly TemplateFault[];
}

/** A message as somebody gets it, and in which of the template's languages; null: as it stands for everybody. */
export type RenderedContent = MessageContent & { readonly locale: string | null };

/** Which version is rendered, for whom. */
export interface RenderRequest {
  readonly key: string;
  readonly version: number;
  /** `user`, `run`, `company`, `unsubscribe_url`, as templates see them; `user.locale` chooses the language. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Instead of the user's own. */
  readonly locale?: string;
}

/** Versions never change, so that what was parsed once stays right. */
@Injectable()
export class ParsedTemplates {
  private readonly parsed = new Map<string, KnownVersion>();

  constructor(private readonly templates: MessageTemplatesRepository) {}

  /** @throws RenderError when the version does not exist, may not rest on a contract as it does, or fails on these values */
  async render({ key, version, context, locale }: RenderRequest): Promise<RenderedContent> {
    const message = await this.load(key, version);
    if (message.unlawful.length > 0) throw new RenderError(textOf(message.unlawful));
    const chosen = chooseLocale({ wanted: locale ?? localeIn(context), offered: [...message.locales.keys()] });
    const content = chosen === null ? message.content : (message.locales.get(chosen) ?? message.content);
    return { ...renderContent(content, { context, missing: message.missing }), locale: chosen };
  }

  /** What one version wants to learn of its readers. @throws RenderError when it does not exist or cannot be read */
  async tracking({ key, version }: Pick<RenderRequest, 'key' | 'version'>): Promise<TrackingSettings> {
    return (await this.load(key, version)).tracking;
  }

  private async load(key: string, version: number): Promise<KnownVersion> {
    const name = `${key}@${version}`;
    const known = this.parsed.get(name);
    if (known !== undefined) return known;
    const row = await this.templates.findVersion(key, version);
    if (row === null) throw new RenderError(`there is no version ${version} of "${key}"`);
    const result = parseMessage(row);
    if (result.kind === 'faults') throw new RenderError(result.faults.map(({ message }) => message).join('; '));
    if (this.parsed.size >= PARSED_KEPT_MAX) this.parsed.clear();
    const { message: parsed } = result;
    const unlawful = faultsOfContract({ ...row, promotional: parsed.promotional });
    const message = { ...parsed, tracking: row.tracking, unlawful };
    this.parsed.set(name, message);
    return message;
  }
}

/** Parses a message in all its languages; the path of a fault begins with `locales.<tag>.` in those. */
export function parseMessage({
  missing,
  content,
  locales,
}: AuthoredMessage):
  | { readonly kind: 'parsed'; readonly message: ParsedMessage }
  | { readonly kind: 'faults'; readonly faults: readonly TemplateFault[] } {
  const own = parseContent(content);
  const others = Object.entries(locales).map(([tag, parts]) => [tag, parseContent(parts)] as const);
  if (own.kind === 'parsed' && others.every(([, each]) => each.kind === 'parsed')) {
    const parsed = others.flatMap(([tag, each]) => (each.kind === 'parsed' ? [[tag, each.content] as const] : []));
    const promotional = [
      ...promotionalIn(own),
      ...others.flatMap(([tag, each]) => promotionalIn(each).map(under(tag))),
    ];
    return { kind: 'parsed', message: { missing, content: own.content, locales: new Map(parsed), promotional } };
  }
  return {
    kind: 'faults',
    faults: [...faultsOf(own), ...others.flatMap(([tag, each]) => inLocale(tag, faultsOf(each)))],
  };
}

/** Faults of one language, as seen from the whole template. */
export const inLocale = (tag: string, faults: readonly TemplateFault[]): readonly TemplateFault[] =>
  faults.map(({ path, message }) => ({ path: under(tag)(path), message }));

const under =
  (tag: string) =>
  (path: string): string =>
    `locales.${tag}.${path}`;

const faultsOf = (result: ReturnType<typeof parseContent>): readonly TemplateFault[] =>
  result.kind === 'faults' ? result.faults : [];

const promotionalIn = (result: ReturnType<typeof parseContent>): readonly string[] =>
  result.kind === 'parsed' ? result.promotional : [];

const textOf = (faults: readonly TemplateFault[]): string =>
  faults.map(({ path, message }) => `${path}: ${message}`).join('; ');

function localeIn({ user }: Readonly<Record<string, unknown>>): string | null {
  if (typeof user !== 'object' || user === null || !('locale' in user)) return null;
  return typeof user.locale === 'string' ? user.locale : null;
}
