import { z } from 'zod';
import {
  DEFAULT_LABELS,
  isLabel,
  LABEL_NAMES,
  NO_TRACKING,
  type TrackingSettings,
} from '../../core/content/tracking.js';
import { definitionKey, jsonObject, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';
import { PURPOSES_OF_MARKETING } from './contract-rules.js';

const SUBJECT_MAX = 500;
const HTML_MAX = 200_000;
const MJML_MAX = 100_000;
const TEXT_MAX = 100_000;
const SMS_MAX = 5_000;
const TITLE_MAX = 500;
const BODY_MAX = 5_000;
const LINK_MAX = 2_000;
const IN_APP_HOURS_MAX = 8_760;
const JSON_MAX = 20_000;
const TAGS_MAX = 20;
const LOCALES_MAX = 50;
const CONTEXT_KEYS_MAX = 20;
const RUN_BYTES_MAX = 8_192;
const LANGUAGE_MAX = 64;
const LABEL_MAX = 100;

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

const locale = z
  .string()
  .max(LANGUAGE_MAX)
  .refine(isLocale, 'a BCP 47 language tag such as pt-BR')
  .meta({ example: 'pt-BR' });

const emailParts = {
  subject: lineOfText(SUBJECT_MAX).meta({ example: 'Welcome, {{ user.name | default: "friend" }}' }),
  html: z.string().min(1).max(HTML_MAX).optional().meta({
    description: 'This or `mjml`.',
    example: '<p>Hello</p>{{ company.address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a>',
  }),
  mjml: z
    .string()
    .min(1)
    .max(MJML_MAX)
    .optional()
    .meta({ description: 'Instead of `html`: compiled when it is stored.', example: undefined }),
  text: z.string().min(1).max(TEXT_MAX).nullable().default(null).meta({
    description: 'Null, or left out: made from the HTML.',
    example: 'Hello\n\n{{ company.address }}\nUnsubscribe: {{ unsubscribe_url }}',
  }),
};

const smsParts = {
  text: z.string().min(1).max(SMS_MAX).meta({
    description: 'At most ten segments when it is filled in.',
    example: '{{ company.name }}: your order is ready. Text STOP to end this.',
  }),
};

const pushParts = {
  title: lineOfText(TITLE_MAX).meta({ example: 'Your order is ready' }),
  body: z.string().min(1).max(BODY_MAX).meta({ example: 'Come and get it until 8 pm.' }),
  link: lineOfText(LINK_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'What opens when it is touched.', example: 'https://shop.example/orders' }),
};

const inAppParts = {
  title: lineOfText(TITLE_MAX).meta({ example: 'Your order is ready' }),
  body: z.string().min(1).max(BODY_MAX).meta({ description: 'Plain text.', example: 'Come and get it until 8 pm.' }),
  link: lineOfText(LINK_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'What opens when it is touched.', example: 'https://shop.example/orders' }),
  image: lineOfText(LINK_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'A picture, `https`.', example: 'https://shop.example/parcel.png' }),
  expires_in_hours: z
    .int()
    .min(1)
    .max(IN_APP_HOURS_MAX)
    .default(720)
    .meta({ description: 'For so long it is shown.', example: 72 }),
};

const webhookParts = {
  endpoint: definitionKey.meta({ description: 'Key of a registered endpoint.', example: 'crm' }),
  body: z.string().min(1).max(JSON_MAX).meta({
    description: 'A JSON object; values are written as JSON, so that none stands in quotes.',
    example: '{"name": {{ user.name | default: "friend" }}, "unsubscribe": {{ unsubscribe_url }}}',
  }),
};

interface Bodies {
  readonly html?: string | undefined;
  readonly mjml?: string | undefined;
}

function refuseNoneOrBoth({ html, mjml }: Bodies, context: z.core.$RefinementCtx<unknown>): void {
  if (html === undefined && mjml === undefined) {
    context.addIssue({ code: 'custom', path: ['html'], message: 'an e-mail has html or mjml' });
  }
  if (html !== undefined && mjml !== undefined) {
    context.addIssue({ code: 'custom', path: ['mjml'], message: 'an e-mail has html or mjml, not both' });
  }
}

const EmailParts = z.strictObject(emailParts).superRefine(refuseNoneOrBoth);
const SmsParts = z.strictObject(smsParts);
const PushParts = z.strictObject(pushParts);
const InAppParts = z.strictObject(inAppParts);
const WebhookParts = z.strictObject(webhookParts);

function localesOf<Parts extends z.ZodType>(parts: Parts) {
  return z
    .record(locale, parts)
    .refine((locales) => Object.keys(locales).length <= LOCALES_MAX, `at most ${LOCALES_MAX} languages`)
    .refine(
      (locales) => new Set(Object.keys(locales).map((tag) => tag.toLowerCase())).size === Object.keys(locales).length,
      'names a language twice',
    )
    .default({})
    .meta({ description: 'The same message in other languages, by language tag.', example: {} });
}

const settings = {
  purpose: word.optional().meta({
    description: `What the person permits or refuses. Left out: \`marketing\`, or \`transactional\` under \`contract\`, on which ${[...PURPOSES_OF_MARKETING].join(', ')} never rest.`,
    example: 'marketing',
  }),
  legal_basis: z.enum(['consent', 'contract']).default('consent').meta({
    description:
      '`contract` passes consent, quiet hours, caps, fatigue and holdout. Marketing is refused under it: by its purpose, or by a `{% promotional %}` block in any part or language.',
  }),
  brand: word.default('default'),
  tags: z.array(word).max(TAGS_MAX).default([]),
};

const missing = z.enum(['refuse', 'empty']).meta({
  description: 'What becomes of a message that shows a value which the person does not have: not sent, or with a gap.',
});

const label = (text: string | null) =>
  lineOfText(LABEL_MAX)
    .refine(isLabel, 'braces hold brand, channel, journey, step or template')
    .nullable()
    .default(text)
    .meta({ example: text });
const utm = z.strictObject({
  source: label(DEFAULT_LABELS.source),
  medium: label(DEFAULT_LABELS.medium),
  campaign: label(DEFAULT_LABELS.campaign),
  term: label(DEFAULT_LABELS.term),
  content: label(DEFAULT_LABELS.content),
});

/** @param impossible what messages of the channel cannot tell */
function trackingOf(...impossible: readonly (keyof TrackingSettings)[]) {
  return z
    .strictObject({
      links: z.boolean().default(false).meta({ description: 'Links lead over us, so that clicks are counted.' }),
      opens: z.boolean().default(false).meta({ description: 'A picture of one point counts openings.' }),
      text: z.boolean().default(false).meta({ description: 'Links and labels in the plain text of an e-mail too.' }),
      utm: utm
        .nullable()
        .default(null)
        .meta({ description: '`utm_…` parameters on links; null leaves one out, and `{}` takes those by default.' }),
    })
    .superRefine((tracking, context) => {
      for (const name of impossible) {
        if (tracking[name] === NO_TRACKING[name]) continue;
        context.addIssue({ code: 'custom', path: [name], message: 'messages of this channel have no such thing' });
      }
    })
    .default({ links: false, opens: false, text: false, utm: null })
    .meta({
      description: 'What is learnt of people who agreed to it (setting `TRACKING_PURPOSE`); of all others nothing is.',
      example: { links: true, opens: false, utm: { campaign: 'spring' } },
    });
}

const EMAIL = z.literal('email').default('email');
const SMS = z.literal('sms');
const PUSH = z.literal('push');
const IN_APP = z.literal('in_app');
const WEBHOOK = z.literal('webhook');
const CHANNELS = { error: 'email, sms, push, in_app or webhook' };

function inputOf<Head extends z.core.$ZodLooseShape>(head: Head) {
  const fields = { ...head, ...settings, missing: missing.default('refuse') };
  return z.discriminatedUnion(
    'channel',
    [
      z
        .strictObject({
          ...fields,
          channel: EMAIL,
          ...emailParts,
          locales: localesOf(EmailParts),
          tracking: trackingOf(),
        })
        .superRefine((input, context) => refuseNoneOrBoth(input as Bodies, context)),
      z.strictObject({
        ...fields,
        channel: SMS,
        ...smsParts,
        locales: localesOf(SmsParts),
        tracking: trackingOf('opens', 'text'),
      }),
      z.strictObject({
        ...fields,
        channel: PUSH,
        ...pushParts,
        locales: localesOf(PushParts),
        tracking: trackingOf('links', 'opens', 'text', 'utm'),
      }),
      z.strictObject({
        ...fields,
        channel: IN_APP,
        ...inAppParts,
        locales: localesOf(InAppParts),
        tracking: trackingOf('links', 'opens', 'text', 'utm'),
      }),
      z.strictObject({
        ...fields,
        channel: WEBHOOK,
        ...webhookParts,
        locales: localesOf(WebhookParts),
        tracking: trackingOf('links', 'opens', 'text', 'utm'),
      }),
    ],
    CHANNELS,
  );
}

const EXAMPLE = {
  key: 'welcome',
  subject: 'Welcome',
  html: '<p>Hello</p><p>{{ company.address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
  text: 'Hello\n\n{{ company.address }}\nUnsubscribe: {{ unsubscribe_url }}',
};

export const NewMessageTemplate = inputOf({ key: definitionKey }).meta({ id: 'NewMessageTemplate', example: EXAMPLE });
export type NewMessageTemplate = z.infer<typeof NewMessageTemplate>;

export const MessageTemplateInput = inputOf({}).meta({ id: 'MessageTemplateInput' });
export type MessageTemplateInput = z.infer<typeof MessageTemplateInput>;

/** What a template may see; each of them may be left out of a preview. */
const previewFields = {
  context: z
    .record(z.string(), z.unknown())
    .refine((context) => Object.keys(context).length <= CONTEXT_KEYS_MAX, `at most ${CONTEXT_KEYS_MAX} names`)
    .default({}),
  missing: missing.default('empty'),
};

export const PreviewRequest = z
  .discriminatedUnion(
    'channel',
    [
      z.strictObject({ channel: EMAIL, ...emailParts, ...previewFields }).superRefine(refuseNoneOrBoth),
      z.strictObject({ channel: SMS, ...smsParts, ...previewFields }),
      z.strictObject({ channel: PUSH, ...pushParts, ...previewFields }),
      z.strictObject({ channel: IN_APP, ...inAppParts, ...previewFields }),
      z.strictObject({ channel: WEBHOOK, ...webhookParts, ...previewFields }),
    ],
    CHANNELS,
  )
  .meta({ id: 'PreviewRequest' });
export type PreviewRequest = z.infer<typeof PreviewRequest>;

export const UserPreviewRequest = z
  .strictObject({
    user_id: userReference,
    version: z.number().int().min(1).max(1_000_000).optional().meta({ description: 'The current one when left out.' }),
    locale: locale.optional().meta({ description: "Instead of the person's own.", example: 'pt-BR' }),
    run: jsonObject(RUN_BYTES_MAX)
      .optional()
      .meta({
        description: 'What the template sees as `run`, where it looks at it.',
        example: { responses: { webhook: { code: 'A1' } } },
      }),
  })
  .meta({ id: 'UserPreviewRequest' });
export type UserPreviewRequest = z.infer<typeof UserPreviewRequest>;

const emailPreview = {
  channel: z.literal('email'),
  subject: z.string(),
  html: z.string(),
  text: z.string(),
  html_bytes: z.number().int().meta({ description: 'Gmail cuts a message at some 102,000.' }),
};
const smsPreview = {
  channel: SMS,
  text: z.string(),
  encoding: z.enum(['gsm7', 'ucs2']),
  segments: z.number().int().meta({ description: 'Messages that are paid for.' }),
  units: z.number().int(),
};
const pushPreview = {
  channel: PUSH,
  title: z.string(),
  body: z.string(),
  link: z.string().nullable(),
  bytes: z.number().int().meta({ description: 'Of at most 4,096.' }),
};

const inAppView = {
  title: z.string(),
  body: z.string(),
  link: z.string().nullable(),
  image: z.string().nullable(),
  expires_in_hours: z.int(),
};
const inAppPreview = { channel: IN_APP, ...inAppView };
const webhookView = { endpoint: z.string(), body: z.string() };
const webhookPreview = { channel: WEBHOOK, ...webhookView };

export const PreviewView = z
  .discriminatedUnion('channel', [
    z.object(emailPreview),
    z.object(smsPreview),
    z.object(pushPreview),
    z.object(inAppPreview),
    z.object(webhookPreview),
  ])
  .meta({ id: 'Preview' });
export type PreviewView = z.infer<typeof PreviewView>;

const whose = {
  key: z.string(),
  version: z.number().int(),
  user_id: z.uuid(),
  locale: z.string().nullable().meta({ description: "Which of the template's languages; null: as it stands." }),
};

export const UserPreviewView = z
  .discriminatedUnion('channel', [
    z.object({ ...whose, ...emailPreview }),
    z.object({ ...whose, ...smsPreview }),
    z.object({ ...whose, ...pushPreview }),
    z.object({ ...whose, ...inAppPreview }),
    z.object({ ...whose, ...webhookPreview }),
  ])
  .meta({ id: 'UserPreview' });
export type UserPreviewView = z.infer<typeof UserPreviewView>;

export const ListQuery = z.strictObject(pageFields);
export type ListQuery = z.infer<typeof ListQuery>;

const head = {
  id: z.uuid(),
  key: z.string(),
  version: z.number().int(),
  purpose: z.string(),
  legal_basis: z.enum(['consent', 'contract']),
  brand: z.string(),
  tags: z.array(z.string()),
  missing,
  tracking: z.object({
    ...{ links: z.boolean(), opens: z.boolean(), text: z.boolean() },
    utm: z.record(z.enum(LABEL_NAMES), z.string().nullable()).nullable(),
  }),
  created_at: z.string(),
};
const emailView = {
  subject: z.string(),
  html: z.string(),
  text: z.string().nullable().meta({ description: 'Null: made from the HTML.' }),
  mjml: z.string().nullable().meta({ description: 'What `html` was compiled from.' }),
};
const smsView = { text: z.string() };
const pushView = { title: z.string(), body: z.string(), link: z.string().nullable() };

export const MessageTemplateView = z
  .discriminatedUnion('channel', [
    z.object({
      ...head,
      channel: z.literal('email'),
      ...emailView,
      locales: z.record(z.string(), z.object(emailView)),
    }),
    z.object({ ...head, channel: SMS, ...smsView, locales: z.record(z.string(), z.object(smsView)) }),
    z.object({ ...head, channel: PUSH, ...pushView, locales: z.record(z.string(), z.object(pushView)) }),
    z.object({ ...head, channel: IN_APP, ...inAppView, locales: z.record(z.string(), z.object(inAppView)) }),
    z.object({ ...head, channel: WEBHOOK, ...webhookView, locales: z.record(z.string(), z.object(webhookView)) }),
  ])
  .meta({ id: 'MessageTemplate' });
export type MessageTemplateView = z.infer<typeof MessageTemplateView>;

export const MessageTemplatePage = pageOf(MessageTemplateView);
