/** What can be sent through each channel, in the parts that the channel has. */

/** The channels on which people are reached; a person may prefer one of them. */
export const PREFERABLE_CHANNELS = ['email', 'sms', 'push', 'in_app'] as const;

/** A channel that a person may prefer. */
export type PreferableChannel = (typeof PREFERABLE_CHANNELS)[number];

/** The channels that message templates can be written for. */
export const CONTENT_CHANNELS = [...PREFERABLE_CHANNELS, 'webhook'] as const;

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

/** An entry of a person's inbox in an app or on a site; all of it is plain text. */
export interface InAppContent {
  readonly channel: 'in_app';
  readonly title: string;
  readonly body: string;
  /** What opens when it is touched; null: nothing does. */
  readonly link: string | null;
  /** Address of a picture, `https`; null: there is none. */
  readonly image: string | null;
  /** For so long it is shown. */
  readonly expiresInHours: number;
}

/** A message that a system of the company is to pass on, or to act upon. */
export interface WebhookContent {
  readonly channel: 'webhook';
  /** Key of a registered endpoint. */
  readonly endpoint: string;
  /** JSON. */
  readonly body: string;
}

/** A message as its recipient gets it, or as its author writes it, by channel. */
export type MessageContent = EmailContent | SmsContent | PushContent | InAppContent | WebhookContent;
