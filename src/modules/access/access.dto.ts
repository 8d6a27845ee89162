import { z } from 'zod';
import { instant, lineOfText } from '../../platform/http/fields.js';
import { pageFields } from '../../platform/http/paging.js';
import { GRANTABLE } from './scopes.js';

const NAME_MAX = 100;

export const NewApiKey = z
  .strictObject({
    name: lineOfText(NAME_MAX).meta({ example: 'web shop' }),
    scopes: z.array(z.enum(GRANTABLE)).min(1).max(GRANTABLE.length),
    expires_at: instant.nullable().default(null),
  })
  .meta({ id: 'NewApiKey', example: { name: 'web shop', scopes: ['users:write', 'events:write'] } });
export type NewApiKey = z.infer<typeof NewApiKey>;

export const ApiKeyView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    scopes: z.array(z.string()),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.infer<typeof ApiKeyView>;

export const NewApiKeyView = ApiKeyView.extend({
  secret: z.string().meta({ description: 'The key itself. It is shown this one time.' }),
}).meta({ id: 'ApiKeyWithSecret' });
export type NewApiKeyView = z.infer<typeof NewApiKeyView>;

export const ListQuery = z.strictObject(pageFields);
export type ListQuery = z.infer<typeof ListQuery>;

export const AuditEntryView = z
  .object({
    id: z.uuid(),
    at: z.string(),
    principal: z.string(),
    action: z.string(),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryView = z.infer<typeof AuditEntryView>;
