/** What can be sent through each channel, in the parts that the channel has. */

/** The channels that message templates can be written for. */
export const CONTENT_CHANNELS = ['email', 'sms', 'push'] as const;

/** A channel that message templates can be written for. */
export type ContentChannel = (typeof CONTENT_CHANNELS)[number];

/** An e-mail; both bodies say the same. */
export interface EmailContent {
  readonly channel: 'email';
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** A text message to a telephone. */
export interface SmsContent {
  readonly channel: 'sms';
  readonly text: string;
}

/** A notification on a device. */
export interface PushContent {
  readonly channel: 'push';
  readonly title: string;
  readonly body: string;
  /** What opens when it is touched; null: the app or the site itself. */
  readonly link: string | null;
}

/** A message as its recipient gets it, or as its author writes it, by channel. */
export type MessageContent = EmailContent | SmsContent | PushContent;
