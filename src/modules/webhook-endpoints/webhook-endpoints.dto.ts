import { z } from 'zod';
import { definitionKey, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const NAME_MAX = 200;
const URL_MAX = 2_000;

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

export const NewWebhookEndpoint = z.strictObject({ key: definitionKey, ...fields }).meta({
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
