import { unreachable } from '../../core/kernel/assert.js';
import type { MessageContent } from '../../core/content/content.js';
import { contentFaults } from '../../core/content/content-faults.js';
import type { AuthoredContent, Missing } from './authored-content.js';
import { parsePart, renderPart, RenderError, type ParsedPart } from './liquid.js';
import { plainText } from './plain-text.js';

/** The parts of a message, parsed once and rendered often. */
export type ParsedContent =
  | {
      readonly channel: 'email';
      readonly subject: ParsedPart;
      readonly html: ParsedPart;
      readonly text: ParsedPart | null;
    }
  | { readonly channel: 'sms'; readonly text: ParsedPart }
  | {
      readonly channel: 'push';
      readonly title: ParsedPart;
      readonly body: ParsedPart;
      readonly link: ParsedPart | null;
    };

/** What is wrong with a template, and with which part of it. */
export interface TemplateFault {
  readonly path: string;
  readonly message: string;
}

/** The values that a message is filled in with. */
export interface RenderContext {
  readonly context: Readonly<Record<string, unknown>>;
  readonly missing: Missing;
}

/** Parses all parts, or tells every fault with its part, line and column. */
export function parseContent(
  content: AuthoredContent,
):
  | { readonly kind: 'parsed'; readonly content: ParsedContent }
  | { readonly kind: 'faults'; readonly faults: readonly TemplateFault[] } {
  const faults: TemplateFault[] = [];
  const parse: ParsePart = (path, source, isHtml = false) => {
    const result = parsePart(source, { isHtml });
    if (result.kind === 'parsed') return result.part;
    faults.push(...result.faults.map((message) => ({ path, message })));
    return { isHtml, templates: [] };
  };
  const parsed = parseParts(content, parse);
  return faults.length === 0 ? { kind: 'parsed', content: parsed } : { kind: 'faults', faults };
}

type ParsePart = (path: string, source: string, isHtml?: boolean) => ParsedPart;

function parseParts(content: AuthoredContent, parse: ParsePart): ParsedContent {
  switch (content.channel) {
    case 'email':
      return {
        channel: 'email',
        subject: parse('subject', content.subject),
        html: parse(content.mjml === null ? 'html' : 'mjml', content.html, true),
        text: content.text === null ? null : parse('text', content.text),
      };
    case 'sms':
      return { channel: 'sms', text: parse('text', content.text) };
    case 'push':
      return {
        channel: 'push',
        title: parse('title', content.title),
        body: parse('body', content.body),
        link: content.link === null ? null : parse('link', content.link),
      };
    default:
      return unreachable(content);
  }
}

/**
 * Fills a message in. Values are escaped in the HTML part and nowhere else.
 *
 * @throws RenderError when a part takes too long, grows too large or lacks a value, or when the message cannot be sent
 *   as it is: a line break in the subject, too many segments, too many bytes
 */
export function renderContent(content: ParsedContent, values: RenderContext): MessageContent {
  const rendered = renderParts(content, values);
  const faults = contentFaults(rendered);
  if (faults.length > 0) throw new RenderError(faults.join('; '));
  return rendered;
}

function renderParts(content: ParsedContent, values: RenderContext): MessageContent {
  switch (content.channel) {
    case 'email': {
      const html = renderPart('html', content.html, values);
      const text = content.text === null ? plainText(html) : renderPart('text', content.text, values);
      return { channel: 'email', subject: renderPart('subject', content.subject, values), html, text };
    }
    case 'sms':
      return { channel: 'sms', text: renderPart('text', content.text, values) };
    case 'push': {
      const link = content.link === null ? '' : renderPart('link', content.link, values);
      return {
        channel: 'push',
        title: renderPart('title', content.title, values),
        body: renderPart('body', content.body, values),
        link: link === '' ? null : link,
      };
    }
    default:
      return unreachable(content);
  }
}
