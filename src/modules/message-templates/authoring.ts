import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';
import { unreachable } from '../../core/kernel/assert.js';
import type { AuthoredContent, AuthoredEmail, AuthoredMessage } from './authored-content.js';
import { faultsOfJson, faultsOfMarketing } from './content-rules.js';
import { faultsOfContract, purposeOf } from './contract-rules.js';
import type { MessageTemplateInput, PreviewRequest } from './message-templates.dto.js';
import { compileMjml } from './mjml.js';
import { inLocale, parseMessage } from './parsed-templates.js';
import { parseContent, type ParsedContent, type TemplateFault } from './renderer.js';

type EmailInput = Pick<Extract<MessageTemplateInput, { channel: 'email' }>, 'subject' | 'html' | 'mjml' | 'text'>;

/**
 * What a template says in all its languages, ready to be stored.
 *
 * @throws BadRequestException TEMPLATE_INVALID with the path of each fault
 * @throws UnprocessableEntityException MARKETING_NEEDS_CONSENT when it is marketing and rests on a contract,
 *   MARKETING_INCOMPLETE when it needs consent and does not show how to withdraw it
 */
export async function authorMessage(input: MessageTemplateInput): Promise<AuthoredMessage> {
  const { content, locales } = await compileAll(input);
  const message = { missing: input.missing, content, locales };
  const result = parseMessage(message);
  if (result.kind === 'faults') throw invalidTemplate(result.faults);
  const written = [...result.message.locales].flatMap(([tag, parsed]) => inLocale(tag, faultsOfJson(parsed)));
  const unreadable = [...faultsOfJson(result.message.content), ...written];
  if (unreadable.length > 0) throw invalidTemplate(unreadable);
  const { promotional } = result.message;
  const unlawful = faultsOfContract({ legalBasis: input.legal_basis, purpose: purposeOf(input), promotional });
  if (unlawful.length > 0) {
    const detail =
      'marketing needs consent: by its purpose or a promotional block, this message cannot rest on a contract';
    throw new UnprocessableEntityException({ code: 'MARKETING_NEEDS_CONSENT', detail, errors: unlawful });
  }
  if (input.legal_basis === 'consent') {
    const others = [...result.message.locales].flatMap(([tag, parsed]) => inLocale(tag, faultsOfMarketing(parsed)));
    const errors = [...faultsOfMarketing(result.message.content), ...others];
    const detail = 'a message that needs consent must say who writes and how to withdraw';
    if (errors.length > 0) throw new UnprocessableEntityException({ code: 'MARKETING_INCOMPLETE', detail, errors });
  }
  return message;
}

/** The same for content that is only looked at: in one language, lawful or not. */
export async function authorPreview(input: PreviewRequest): Promise<ParsedContent> {
  const faults: TemplateFault[] = [];
  const content = await compileOne(input, faults);
  const result = faults.length > 0 ? { kind: 'faults' as const, faults } : parseContent(content);
  if (result.kind === 'faults') throw invalidTemplate(result.faults);
  return result.content;
}

async function compileAll(
  input: MessageTemplateInput,
): Promise<{ readonly content: AuthoredContent; readonly locales: Readonly<Record<string, AuthoredContent>> }> {
  const faults: TemplateFault[] = [];
  const content = await compileOne(input, faults);
  const locales: Record<string, AuthoredContent> = {};
  for (const [tag, parts] of languagesOf(input)) {
    const own: TemplateFault[] = [];
    const [canonical = tag] = Intl.getCanonicalLocales(tag);
    locales[canonical] = await compileOne(parts, own);
    faults.push(...inLocale(tag, own));
  }
  if (faults.length > 0) throw invalidTemplate(faults);
  return { content, locales };
}

type InAppInput = Pick<
  Extract<MessageTemplateInput, { channel: 'in_app' }>,
  'title' | 'body' | 'link' | 'image' | 'expires_in_hours'
>;
type PartsInput =
  | ({ readonly channel: 'email' } & EmailInput)
  | ({ readonly channel: 'in_app' } & InAppInput)
  | Extract<AuthoredContent, { readonly channel: 'sms' | 'push' | 'webhook' }>;

function languagesOf(input: MessageTemplateInput): readonly (readonly [string, PartsInput])[] {
  switch (input.channel) {
    case 'email':
      return Object.entries(input.locales).map(([tag, parts]) => [tag, { channel: 'email', ...parts }]);
    case 'sms':
      return Object.entries(input.locales).map(([tag, parts]) => [tag, { channel: 'sms', ...parts }]);
    case 'push':
      return Object.entries(input.locales).map(([tag, parts]) => [tag, { channel: 'push', ...parts }]);
    case 'in_app':
      return Object.entries(input.locales).map(([tag, parts]) => [tag, { channel: 'in_app', ...parts }]);
    case 'webhook':
      return Object.entries(input.locales).map(([tag, parts]) => [tag, { channel: 'webhook', ...parts }]);
    default:
      return unreachable(input);
  }
}

async function compileOne(parts: PartsInput, faults: TemplateFault[]): Promise<AuthoredContent> {
  switch (parts.channel) {
    case 'email':
      return compileEmail(parts, faults);
    case 'sms':
      return { channel: 'sms', text: parts.text };
    case 'push':
      return { channel: 'push', title: parts.title, body: parts.body, link: parts.link };
    case 'in_app': {
      const { channel, title, body, link, image, expires_in_hours: expiresInHours } = parts;
      return { channel, title, body, link, image, expiresInHours };
    }
    case 'webhook':
      return { channel: 'webhook', endpoint: parts.endpoint, body: parts.body };
    default:
      return unreachable(parts);
  }
}

async function compileEmail(
  { subject, html, mjml, text }: EmailInput,
  faults: TemplateFault[],
): Promise<AuthoredEmail> {
  if (mjml === undefined) return { channel: 'email', subject, html: html ?? '', text, mjml: null };
  const compiled = await compileMjml(mjml);
  if (compiled.kind === 'html') return { channel: 'email', subject, html: compiled.html, text, mjml };
  faults.push(...compiled.faults.map((message) => ({ path: 'mjml', message })));
  return { channel: 'email', subject, html: '', text, mjml };
}

function invalidTemplate(errors: readonly TemplateFault[]): BadRequestException {
  return new BadRequestException({ code: 'TEMPLATE_INVALID', detail: 'the template cannot be read', errors });
}
