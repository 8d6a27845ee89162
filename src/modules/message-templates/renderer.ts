import { unreachable } from '../../core/kernel/assert.js';
import type { MessageContent } from '../../core/content/content.js';
import { contentFaults } from '../../core/content/content-faults.js';
import type { AuthoredContent, Missing } from './authored-content.js';
import { parsePart, renderPart, RenderError, type ParsedPart } from './liquid.js';
import { plainText } from './plain-text.js';
import { hasPromotionalBlock } from './promotional-block.js';

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
    }
  | {
      readonly channel: 'in_app';
      readonly title: ParsedPart;
      readonly body: ParsedPart;
      readonly link: ParsedPart | null;
      readonly image: ParsedPart | null;
      readonly expiresInHours: number;
    }
  | { readonly channel: 'webhook'; readonly endpoint: string; readonly body: ParsedPart };

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

/** Parses all parts and tells which of them hold a promotional block, or every fault with its part, line and column. */
export function parseContent(
  content: AuthoredContent,
):
  | { readonly kind: 'parsed'; readonly content: ParsedContent; readonly promotional: readonly string[] }
  | { readonly kind: 'faults'; readonly faults: readonly TemplateFault[] } {
  const faults: TemplateFault[] = [];
  const promotional: string[] = [];
  const parse: ParsePart = (path, source, values = 'plain') => {
    const result = parsePart(source, { values });
    if (result.kind === 'parsed') {
      if (hasPromotionalBlock(result.part.templates)) promotional.push(path);
      return result.part;
    }
    faults.push(...result.faults.map((message) => ({ path, message })));
    return { values, templates: [] };
  };
  const parsed = parseParts(content, parse);
  return faults.length === 0 ? { kind: 'parsed', content: parsed, promotional } : { kind: 'faults', faults };
}

type ParsePart = (path: string, source: string, values?: ParsedPart['values']) => ParsedPart;

function parseParts(content: AuthoredContent, parse: ParsePart): ParsedContent {
  switch (content.channel) {
    case 'email':
      return {
        channel: 'email',
        subject: parse('subject', content.subject),
        html: parse(content.mjml === null ? 'html' : 'mjml', content.html, 'html'),
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
    case 'in_app':
      return {
        channel: 'in_app',
        title: parse('title', content.title),
        body: parse('body', content.body),
        link: content.link === null ? null : parse('link', content.link),
        image: content.image === null ? null : parse('image', content.image),
        expiresInHours: content.expiresInHours,
      };
    case 'webhook':
      return { channel: 'webhook', endpoint: content.endpoint, body: parse('body', content.body, 'json') };
    default:
      return unreachable(content);
  }
}

/**
 * Fills a message in. Values are escaped in the HTML part, written as JSON into a webhook, and left alone elsewhere.
 *
 * @throws RenderError when a part takes too long, grows too large or lacks a value, or when the message cannot be sent
 *   as it is: a line break in the subject, too many segments, too many bytes, no JSON
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
      const title = renderPart('title', content.title, values);
      const body = renderPart('body', content.body, values);
      return { channel: 'push', title, body, link: renderOptional('link', content.link, values) };
    }
    case 'in_app':
      return {
        channel: 'in_app',
        title: renderPart('title', content.title, values),
        body: renderPart('body', content.body, values),
        link: renderOptional('link', content.link, values),
        image: renderOptional('image', content.image, values),
        expiresInHours: content.expiresInHours,
      };
    case 'webhook':
      return { channel: 'webhook', endpoint: content.endpoint, body: renderPart('body', content.body, values) };
    default:
      return unreachable(content);
  }
}

function renderOptional(path: string, part: ParsedPart | null, values: RenderContext): string | null {
  const text = part === null ? '' : renderPart(path, part, values);
  return text === '' ? null : text;
}
