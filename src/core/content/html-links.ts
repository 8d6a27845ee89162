import { decodeAttribute, encodeAttribute } from './attribute-text.js';

/** A part of a page: its first character, and the one after its last. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** The address of a link of a page. */
interface HtmlLink extends Span {
  /** What it says, without the spaces around it; null where it says nothing, or nothing that is certain. */
  readonly url: string | null;
  /** Its author asks that it stays as it is (`data-track="off"`). */
  readonly isOff: boolean;
}

/** Where links stand in a page, and where its body ends. */
export interface HtmlOutline {
  readonly links: readonly HtmlLink[];
  /** Null where it cannot be told: the page ends in the middle of a tag, a comment or a script. */
  readonly bodyEnd: number | null;
}

interface Tag {
  readonly name: string;
  readonly isEnd: boolean;
  /** By name; of attributes of one name only the first counts. */
  readonly attributes: ReadonlyMap<string, Span>;
  readonly end: number;
}

const LINK_ELEMENTS: ReadonlySet<string> = new Set(['a', 'area']);
/** What stands in them is text, whatever it looks like. */
const TEXT_ELEMENTS: ReadonlySet<string> = new Set([
  ...['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes'],
]);

/**
 * Finds the links of a page as a browser's tokenizer does (HTML, 13.2.5): what stands in comments, in scripts and styles,
 * and in tags that never end is no link. Takes time in proportion to the page, whatever is in it.
 */
export function outlineOf(html: string): HtmlOutline {
  const links: HtmlLink[] = [];
  let bodyEnd: number | null = null;
  let htmlEnd: number | null = null;
  let end: number | null = 0;
  for (let at = html.indexOf('<'); at !== -1; at = html.indexOf('<', end)) {
    const tag = tagAt(html, at);
    if (tag === null || typeof tag === 'number') end = tag;
    else {
      if (!tag.isEnd && LINK_ELEMENTS.has(tag.name)) links.push(...linkOf(html, tag));
      if (tag.isEnd && tag.name === 'body') bodyEnd = at;
      if (tag.isEnd && tag.name === 'html') htmlEnd = at;
      end = afterText(html, tag);
    }
    if (end === null) break;
  }
  return { links, bodyEnd: bodyEnd ?? htmlEnd ?? (end === null ? null : html.length) };
}

/**
 * A page with other addresses in its links, and something more at the end of its body. Every other character stays.
 *
 * @param rewrite gets what an address says; what it answers with stands in its place, unless it is the same
 */
export function rewriteHtml(
  html: string,
  { rewrite, atBodyEnd }: { readonly rewrite: (url: string) => string; readonly atBodyEnd: string },
): string {
  const { links, bodyEnd } = outlineOf(html);
  const edits = links.flatMap(({ start, end, url, isOff }) => {
    const other = url === null || isOff ? url : rewrite(url);
    return other === null || other === url ? [] : [{ start, end, text: encodeAttribute(other) }];
  });
  const more = bodyEnd === null ? [] : [{ start: bodyEnd, end: bodyEnd, text: atBodyEnd }];
  const all = [...edits, ...more].sort((one, two) => one.start - two.start);
  const parts: string[] = [];
  let from = 0;
  for (const { start, end, text } of all) {
    parts.push(html.slice(from, start), text);
    from = end;
  }
  return [...parts, html.slice(from)].join('');
}

function linkOf(html: string, { attributes }: Tag): readonly HtmlLink[] {
  const href = attributes.get('href');
  if (href === undefined) return [];
  const off = attributes.get('data-track');
  const isOff = off !== undefined && html.slice(off.start, off.end).trim().toLowerCase() === 'off';
  const text = href.start === href.end ? null : decodeAttribute(html.slice(href.start, href.end));
  return [{ ...href, url: text === null ? null : trimmed(text), isOff }];
}

/** Without the spaces around it, as HTML counts spaces. */
function trimmed(text: string): string {
  const isSpace = (at: number): boolean => /[\t\n\f\r ]/.test(text.charAt(at));
  let [start, end] = [0, text.length];
  while (isSpace(start)) start += 1;
  while (end > start && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

/** Where the page goes on behind a tag: behind all of the text that only the end of its element ends, if it ends. */
function afterText(html: string, { name, isEnd, end }: Tag): number | null {
  if (isEnd) return end;
  if (name === 'plaintext') return null;
  return TEXT_ELEMENTS.has(name) ? startOf(html, new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, 'gi'), end) : end;
}

/** The tag that begins here; else where the page goes on behind whatever it is; null for what never ends. */
function tagAt(html: string, open: number): Tag | number | null {
  const isLetter = (at: number): boolean => /[A-Za-z]/.test(html.charAt(at));
  if (isLetter(open + 1)) return readTag(html, open + 1, false);
  switch (html.charAt(open + 1)) {
    case '/':
      return isLetter(open + 2) ? readTag(html, open + 2, true) : after(html, '>', open + 2);
    case '!':
      return html.startsWith('--', open + 2) ? afterComment(html, open + 4) : after(html, '>', open + 2);
    case '?':
      return after(html, '>', open + 2);
    default:
      return open + 1;
  }
}

function afterComment(html: string, start: number): number | null {
  // `<!-->` and `<!--->` are comments that end at once.
  const short = /-?>/y;
  short.lastIndex = start;
  if (short.test(html)) return short.lastIndex;
  const end = /--!?>/g;
  end.lastIndex = start;
  return end.test(html) ? end.lastIndex : null;
}

function readTag(html: string, start: number, isEnd: boolean): Tag | null {
  const nameEnd = skip(html, start, /[^\t\n\f\r />]*/y);
  const attributes = new Map<string, Span>();
  for (let at = nameEnd; ;) {
    at = skip(html, at, /[\t\n\f\r /]*/y);
    if (at >= html.length) return null;
    if (html.charAt(at) === '>') {
      return { name: html.slice(start, nameEnd).toLowerCase(), isEnd, attributes, end: at + 1 };
    }
    const attribute = attributeAt(html, at);
    if (attribute === null) return null;
    if (!attributes.has(attribute.name)) attributes.set(attribute.name, attribute.value);
    at = attribute.end;
  }
}

/** @returns null for one that never ends */
function attributeAt(
  html: string,
  start: number,
): { readonly name: string; readonly value: Span; readonly end: number } | null {
  const nameEnd = skip(html, start, /=?[^\t\n\f\r />=]*/y);
  const name = html.slice(start, nameEnd).toLowerCase();
  const sign = skip(html, nameEnd, /[\t\n\f\r ]*/y);
  if (html.charAt(sign) !== '=') return { name, value: { start: nameEnd, end: nameEnd }, end: nameEnd };
  const from = skip(html, sign + 1, /[\t\n\f\r ]*/y);
  const quote = html.charAt(from);
  if (quote === '"' || quote === "'") {
    const close = html.indexOf(quote, from + 1);
    return close === -1 ? null : { name, value: { start: from + 1, end: close }, end: close + 1 };
  }
  const end = skip(html, from, /[^\t\n\f\r >]*/y);
  return { name, value: { start: from, end }, end };
}

/** Behind everything from `at` on that fits. @param pattern sticky, and fits nothing too */
function skip(html: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  pattern.test(html);
  return Math.max(at, pattern.lastIndex);
}

function after(html: string, text: string, from: number): number | null {
  const at = html.indexOf(text, from);
  return at === -1 ? null : at + text.length;
}

/** @param pattern global */
function startOf(html: string, pattern: RegExp, from: number): number | null {
  pattern.lastIndex = from;
  return pattern.exec(html)?.index ?? null;
}
