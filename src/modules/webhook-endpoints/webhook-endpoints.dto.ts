import { z } from 'zod';
import { definitionKey, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const NAME_MAX = 200;
const URL_MAX = 2_000;
/** As Standard Webhooks wants it: 24 to 64 bytes. */
const SECRET_BYTES = { min: 24, max: 64 };

const fields = {
  name: lineOfText(NAME_MAX).meta({ example: 'Shop back end' }),
  url: z
    .url({ protocol: /^https?$/ })
    .max(URL_MAX)
    .refine((text) => isBare(text), 'a URL without user, password or fragment')
    .meta({
      description: '`https` and a public address; on one machine without authentication also `http` and private ones.',
      example: 'https://shop.example.com/hooks/tactful',
    }),
};

/** What is no URL at all is told already. */
function isBare(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}

const secret = z
  .string()
  .refine((text) => isSecret(text), '`whsec_` and 24 to 64 bytes in base64')
  .meta({ description: 'One that you share with the receiver already; made by us when left out.' });

function isSecret(text: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(text) ?? [];
  const bytes = base64 === undefined ? 0 : Buffer.from(base64, 'base64').length;
  return bytes >= SECRET_BYTES.min && bytes <= SECRET_BYTES.max;
}

export const NewWebhookEndpoint = z.strictObject({ key: definitionKey, ...fields, secret: secret.optional() }).meta({
  id: 'NewWebhookEndpoint',
  example: { key: 'shop', name: 'Shop back end', url: 'https://shop.example.com/hooks/tactful' },
});
export type NewWebhookEndpoint = z.infer<typeof NewWebhookEndpoint>;

/** A whole endpoint but for its secret, which stays. */
export const WebhookEndpointInput = z.strictObject(fields).meta({ id: 'WebhookEndpointInput' });
export type WebhookEndpointInput = z.infer<typeof WebhookEndpointInput>;

export const WebhookEndpointFilter = z.strictObject(pageFields);
export type WebhookEndpointFilter = z.infer<typeof WebhookEndpointFilter>;

export const WebhookEndpointView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    url: z.string(),
    gone_at: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When it answered 410; nothing is sent there until it is replaced.' }),
    previous_secret_until: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Until when messages are signed with the secret before this one, too.' }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'WebhookEndpoint' });
export type WebhookEndpointView = z.infer<typeof WebhookEndpointView>;

export const WebhookEndpointPage = pageOf(WebhookEndpointView);

export const WebhookEndpointSecretView = WebhookEndpointView.extend({
  secret: z.string().meta({ description: 'Shown this once.', example: 'whsec_…' }),
}).meta({ id: 'WebhookEndpointSecret' });
export type WebhookEndpointSecretView = z.infer<typeof WebhookEndpointSecretView>;
