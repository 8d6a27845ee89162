import { z } from 'zod';
import { pageFields, pageOf } from '../../platform/http/paging.js';

export const ConfirmationQuery = z.strictObject(pageFields);
export type ConfirmationQuery = z.infer<typeof ConfirmationQuery>;

export const ConfirmationView = z
  .object({
    id: z.uuid(),
    purpose: z.string(),
    channel: z.string(),
    brand: z.string(),
    pending_record_id: z.uuid(),
    delivery_id: z.uuid().nullable(),
    mail: z.string().meta({
      description:
        '`waiting` while the mail is still to go out; then the state of its delivery, or the reason why none goes out.',
      example: 'sent',
    }),
    created_at: z.string(),
    expires_at: z.string(),
    confirmed_at: z.string().nullable(),
  })
  .meta({ id: 'ConsentConfirmation' });
export type ConfirmationView = z.infer<typeof ConfirmationView>;

export const ConfirmationPage = pageOf(ConfirmationView);
