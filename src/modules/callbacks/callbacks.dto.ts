import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { HEARD_KINDS } from '../outcomes/index.js';

const STATES = ['received', 'applied', 'unmatched', 'ignored'] as const;
const KINDS = [...HEARD_KINDS, 'deferred', 'inbound', 'other'] as const;

export const CallbackQuery = z.strictObject({
  ...pageFields,
  account: definitionKey.optional().meta({ description: 'Key of the provider account.', example: 'grid' }),
  state: z.enum(STATES).optional().meta({ example: 'unmatched' }),
  kind: z.enum(KINDS).optional().meta({ example: 'bounced' }),
  delivery: z.uuid().optional(),
});
export type CallbackQuery = z.infer<typeof CallbackQuery>;

export const CallbackView = z
  .object({
    id: z.uuid(),
    account: z.string(),
    event_id: z.string().meta({ description: 'The provider’s own, where it has one.' }),
    name: z.string().meta({ description: 'The provider’s word for it.' }),
    kind: z.enum(KINDS).meta({ description: '`deferred`, `inbound` and `other` change no delivery.' }),
    state: z.enum(STATES).meta({
      description:
        '`received`: about to be applied; `unmatched`: of a message that is not known, looked for again for a day; `ignored`: nothing follows from it.',
    }),
    delivery_id: z.uuid().nullable(),
    provider_message_id: z.string().nullable(),
    detail: z.string().nullable().meta({ description: 'Until it is applied; then the delivery has it as `failure`.' }),
    at: z.iso.datetime().nullable().meta({ description: 'When it happened, by the provider.' }),
    received_at: z.iso.datetime(),
    applied_at: z.iso.datetime().nullable(),
    attempts: z.int(),
    next_attempt_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Callback' });
export type CallbackView = z.infer<typeof CallbackView>;

export const CallbackPage = pageOf(CallbackView);
