import type { InAppContent, MessageContent } from '../../core/content/content.js';
import { pushBytes } from '../../core/content/content-faults.js';
import { smsSegments } from '../../core/content/sms-segments.js';
import type { TrackingSettings } from '../../core/content/tracking.js';
import { utf8Bytes } from '../../core/content/utf8-bytes.js';
import { unreachable } from '../../core/kernel/assert.js';
import type { AuthoredContent, AuthoredMessage } from './authored-content.js';
import { purposeOf } from './contract-rules.js';
import type { MessageTemplateInput, MessageTemplateView, PreviewView } from './message-templates.dto.js';
import type { MessageTemplateDefinition, MessageTemplateRow } from './message-templates.repository.js';

export const toDefinition = (input: MessageTemplateInput, message: AuthoredMessage): MessageTemplateDefinition => ({
  channel: input.channel,
  purpose: purposeOf(input),
  legalBasis: input.legal_basis,
  brand: input.brand,
  tags: input.tags,
  tracking: trackingOf(input),
  ...message,
});

/** A text message has nothing but its text. */
function trackingOf({ channel, tracking }: MessageTemplateInput): TrackingSettings {
  return channel === 'sms' ? { ...tracking, text: tracking.links || tracking.utm !== null } : tracking;
}

export function toMessageTemplateView(row: MessageTemplateRow): MessageTemplateView {
  const head = {
    id: row.id,
    key: row.key,
    version: row.version,
    purpose: row.purpose,
    legal_basis: row.legalBasis,
    brand: row.brand,
    tags: [...row.tags],
    missing: row.missing,
    tracking: row.tracking,
    created_at: new Date(row.createdAt).toISOString(),
  };
  const { content, locales } = row;
  switch (content.channel) {
    case 'email':
      return { ...head, ...content, locales: partsIn('email', locales) };
    case 'sms':
      return { ...head, ...content, locales: partsIn('sms', locales) };
    case 'push':
      return { ...head, ...content, locales: partsIn('push', locales) };
    case 'in_app': {
      const parts = Object.entries(partsIn('in_app', locales)).map(([tag, each]) => [tag, inAppParts(each)]);
      return { ...head, channel: 'in_app', ...inAppParts(content), locales: Object.fromEntries(parts) };
    }
    case 'webhook':
      return { ...head, ...content, locales: partsIn('webhook', locales) };
    default:
      return unreachable(content);
  }
}

type PartsOf<Channel extends AuthoredContent['channel']> = Omit<
  Extract<AuthoredContent, { readonly channel: Channel }>,
  'channel'
>;

/** The parts in each language, which are all of the template's own channel. */
function partsIn<Channel extends AuthoredContent['channel']>(
  channel: Channel,
  locales: Readonly<Record<string, AuthoredContent>>,
): Record<string, PartsOf<Channel>> {
  const isOf = (content: AuthoredContent): content is Extract<AuthoredContent, { readonly channel: Channel }> =>
    content.channel === channel;
  return Object.fromEntries(
    Object.entries(locales).flatMap(([tag, content]) => {
      if (!isOf(content)) return [];
      const { channel: _channel, ...parts } = content;
      return [[tag, parts]];
    }),
  );
}

const inAppParts = ({ title, body, link, image, expiresInHours }: Omit<InAppContent, 'channel'>) => ({
  ...{ title, body, link, image },
  expires_in_hours: expiresInHours,
});

/** A message as it would be sent, with what its length costs. */
export function toPreviewView(content: MessageContent): PreviewView {
  switch (content.channel) {
    case 'email': {
      const { channel, subject, html, text } = content;
      return { channel, subject, html, text, html_bytes: utf8Bytes(html) };
    }
    case 'sms':
      return { channel: 'sms', text: content.text, ...smsSegments(content.text) };
    case 'push': {
      const { channel, title, body, link } = content;
      return { channel, title, body, link, bytes: pushBytes(content) };
    }
    case 'in_app':
      return { channel: 'in_app', ...inAppParts(content) };
    case 'webhook': {
      const { channel, endpoint, body } = content;
      return { channel, endpoint, body };
    }
    default:
      return unreachable(content);
  }
}
