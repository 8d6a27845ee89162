import { z } from 'zod';
import { definitionKey, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const SUBJECT_MAX = 500;
const HTML_MAX = 200_000;
const TEXT_MAX = 100_000;
const TAGS_MAX = 20;
const CONTEXT_KEYS_MAX = 20;

const contentFields = {
  subject: lineOfText(SUBJECT_MAX).meta({ example: 'Welcome, {{ user.name | default: "friend" }}' }),
  html: z
    .string()
    .min(1)
    .max(HTML_MAX)
    .meta({ example: '<p>Hello</p><a href="{{ unsubscribe_url }}">Unsubscribe</a>' }),
  text: z.string().min(1).max(TEXT_MAX).meta({ example: 'Hello\n\nUnsubscribe: {{ unsubscribe_url }}' }),
};

const definitionFields = {
  channel: z.literal('email').default('email'),
  purpose: word.default('marketing'),
  legal_basis: z.enum(['consent', 'contract']).default('consent'),
  brand: word.default('default'),
  tags: z.array(word).max(TAGS_MAX).default([]),
  ...contentFields,
};

const EXAMPLE = {
  key: 'welcome',
  subject: 'Welcome',
  html: '<p>Hello</p><p>{{ company.address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
  text: 'Hello\n\n{{ company.address }}\nUnsubscribe: {{ unsubscribe_url }}',
};

export const NewMessageTemplate = z
  .strictObject({ key: definitionKey, ...definitionFields })
  .meta({ id: 'NewMessageTemplate', example: EXAMPLE });
export type NewMessageTemplate = z.infer<typeof NewMessageTemplate>;

export const MessageTemplateInput = z.strictObject(definitionFields).meta({ id: 'MessageTemplateInput' });
export type MessageTemplateInput = z.infer<typeof MessageTemplateInput>;

/** What a template may see; each of them may be left out of a preview. */
export const PreviewRequest = z
  .strictObject({
    ...contentFields,
    context: z
      .record(z.string(), z.unknown())
      .refine((context) => Object.keys(context).length <= CONTEXT_KEYS_MAX, `at most ${CONTEXT_KEYS_MAX} names`)
      .default({}),
  })
  .meta({ id: 'PreviewRequest' });
export type PreviewRequest = z.infer<typeof PreviewRequest>;

export const PreviewView = z
  .object({ subject: z.string(), html: z.string(), text: z.string() })
  .meta({ id: 'Preview' });
export type PreviewView = z.infer<typeof PreviewView>;

export const ListQuery = z.strictObject(pageFields);
export type ListQuery = z.infer<typeof ListQuery>;

export const MessageTemplateView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    version: z.number().int(),
    channel: z.string(),
    purpose: z.string(),
    legal_basis: z.enum(['consent', 'contract']),
    brand: z.string(),
    tags: z.array(z.string()),
    subject: z.string(),
    html: z.string(),
    text: z.string(),
    created_at: z.string(),
  })
  .meta({ id: 'MessageTemplate' });
export type MessageTemplateView = z.infer<typeof MessageTemplateView>;

export const MessageTemplatePage = pageOf(MessageTemplateView);
