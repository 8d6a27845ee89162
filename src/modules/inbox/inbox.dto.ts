import { z } from 'zod';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const MINUTES_MAX = 1_440;
const MINUTES_DEFAULT = 60;

export const InboxTokenRequest = z
  .strictObject({
    valid_minutes: z
      .int()
      .min(1)
      .max(MINUTES_MAX)
      .default(MINUTES_DEFAULT)
      .meta({ description: 'For so long it opens the inbox.', example: 60 }),
  })
  .meta({ id: 'InboxTokenRequest' });
export type InboxTokenRequest = z.infer<typeof InboxTokenRequest>;

export const InboxTokenView = z
  .object({
    token: z.string().meta({ description: 'Sent as `Authorization: Bearer …`.' }),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'InboxToken' });
export type InboxTokenView = z.infer<typeof InboxTokenView>;

export const InboxQuery = z.strictObject(pageFields);
export type InboxQuery = z.infer<typeof InboxQuery>;

export const InboxItemView = z
  .object({
    id: z.uuid().meta({ description: 'That of the delivery.' }),
    title: z.string(),
    body: z.string().meta({ description: 'Plain text: to be shown as text, not as HTML.' }),
    link: z.string().nullable(),
    image: z.string().nullable(),
    unsubscribe_url: z
      .string()
      .nullable()
      .meta({ description: 'Ends such messages; null where they need no consent.' }),
    state: z.enum(['unread', 'read', 'dismissed']),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    read_at: z.iso.datetime().nullable(),
    clicked_at: z.iso.datetime().nullable(),
    dismissed_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'InboxItem' });
export type InboxItemView = z.infer<typeof InboxItemView>;

export const InboxItemPage = pageOf(InboxItemView);

export const InboxView = z
  .object({
    data: z.array(InboxItemView),
    next_cursor: z.string().nullable(),
    unread_count: z.int().meta({ description: 'Of the whole inbox; 1,000 stands for that many or more.' }),
  })
  .meta({ id: 'Inbox' });
export type InboxView = z.infer<typeof InboxView>;

export const ReadAllView = z
  .object({
    read_count: z.int(),
    unread_count: z.int().meta({ description: 'More than 0: there were too many for one request; make it again.' }),
  })
  .meta({ id: 'InboxReadAll' });
export type ReadAllView = z.infer<typeof ReadAllView>;
