import type { InboxItemView } from './inbox.dto.js';
import type { InboxItemRow } from './inbox.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

export const toInboxItemView = (row: InboxItemRow): InboxItemView => ({
  id: row.id,
  title: row.title,
  body: row.body,
  link: row.link,
  image: row.image,
  unsubscribe_url: row.unsubscribeUrl,
  state: row.state,
  created_at: text(row.createdAt),
  expires_at: text(row.expiresAt),
  read_at: textOrNull(row.readAt),
  clicked_at: textOrNull(row.clickedAt),
  dismissed_at: textOrNull(row.dismissedAt),
});
