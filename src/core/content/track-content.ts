import { unreachable } from '../kernel/assert.js';
import type { MessageContent } from './content.js';
import { encodeAttribute } from './attribute-text.js';
import { rewriteHtml } from './html-links.js';
import { rewriteText } from './text-links.js';

/** How a message is made to tell something of its reader. */
export interface TrackingMeans {
  /**
   * The address that stands in the place of a link; null where there is none, so that the link stays as it is.
   *
   * @param index counts the links of the message, from 0
   */
  readonly linkFor: ((url: string, index: number) => string | null) | null;
  /** Of the picture at the end of the page; null: none. */
  readonly pixelUrl: string | null;
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  /** Whether an address is one of ours, e.g. to withdraw a consent. It is never touched. */
  readonly isOwn: (url: string) => boolean;
  /** Plain text too. */
  readonly isTextTracked: boolean;
}

/** More than any message shows; what comes after them stays as it is. */
export const LINKS_TRACKED_MAX = 1_000;

/** Nothing in it could end a line, begin another header, or be read in two ways. */
const HTTP = /^https?:\/\/[^\s\p{Cc}\p{Cs}\\/?#][^\s\p{Cc}\p{Cs}\\]*$/iu;

/** Whether a link is one to a page of the web, and can be led to over us. */
export const isWebAddress = (url: string): boolean => HTTP.test(url);

/**
 * A message that tells of its clicks and openings. Only links to pages of the web are changed, and of them neither ours nor
 * those that their author keeps out (`data-track="off"`); every other character stays.
 */
export function trackContent(content: MessageContent, means: TrackingMeans): MessageContent {
  let index = 0;
  const rewrite = (url: string): string => {
    if (!isWebAddress(url) || means.isOwn(url) || index >= LINKS_TRACKED_MAX) return url;
    const target = withLabels(url, means.labels);
    const link = means.linkFor?.(target, index) ?? null;
    index += 1;
    return link ?? target;
  };
  const inText = (text: string): string => (means.isTextTracked ? rewriteText(text, rewrite) : text);
  switch (content.channel) {
    case 'email': {
      const atBodyEnd = means.pixelUrl === null ? '' : pixel(means.pixelUrl);
      const html = rewriteHtml(content.html, { rewrite, atBodyEnd });
      return { ...content, html, text: inText(content.text) };
    }
    case 'sms':
      return { ...content, text: inText(content.text) };
    case 'push':
    case 'in_app':
    case 'webhook':
      return content;
    default:
      return unreachable(content);
  }
}

/** An address with labels behind its query. One that it has already, whatever it says, stays as its author wrote it. */
export function withLabels(url: string, labels: TrackingMeans['labels']): string {
  const [, base = '', fragment = ''] = /^([^#]*)(.*)$/su.exec(url) ?? [];
  const mark = base.indexOf('?');
  const query = mark === -1 ? '' : base.slice(mark + 1);
  const present = new Set(query.split(/[&;]/).map((pair) => pair.replace(/=.*$/su, '').toLowerCase()));
  const added = labels.filter(({ name }) => !present.has(name)).map(({ name, value }) => `${name}=${encode(value)}`);
  if (added.length === 0) return url;
  const glue = mark === -1 ? '?' : query === '' || query.endsWith('&') ? '' : '&';
  return `${base}${glue}${added.join('&')}${fragment}`;
}

/** Nothing that could end an address in a text or in an attribute. */
const encode = (value: string): string =>
  encodeURIComponent(value).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

const pixel = (url: string): string =>
  `<img src="${encodeAttribute(url)}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">`;
