import type { InAppContent, PushContent, SmsContent, WebhookContent } from '../../core/content/content.js';

/** An e-mail as its author left it; subject and bodies are Liquid. */
export interface AuthoredEmail {
  readonly channel: 'email';
  readonly subject: string;
  readonly html: string;
  /** Null: it is made from the HTML that each person gets. */
  readonly text: string | null;
  /** What `html` was compiled from; null where the HTML was written by hand. */
  readonly mjml: string | null;
}

/** The parts of one message in one language, as they are stored. */
export type AuthoredContent = AuthoredEmail | SmsContent | PushContent | InAppContent | WebhookContent;

/** What becomes of a message that shows a value which this person does not have: it is not sent, or it has a gap. */
export type Missing = 'refuse' | 'empty';

/** A message in the language that it has for everybody, and in others, by language tag. */
export interface AuthoredMessage {
  readonly missing: Missing;
  readonly content: AuthoredContent;
  readonly locales: Readonly<Record<string, AuthoredContent>>;
}
