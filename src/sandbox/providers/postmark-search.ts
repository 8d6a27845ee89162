import { addressOf, isText, type Message } from '../wire.js';

// https://postmarkapp.com/developer/api/messages-api#outbound-message-search

const COUNT_MAX = 500;
const STREAM = 'outbound';
const METADATA = 'metadata_';

interface StoredMail {
  readonly id: string;
  readonly recipients: readonly string[];
  readonly mail: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly atMs: number;
}

/** Of everything that this process has taken, by message. */
export class PostmarkStore {
  private readonly byId = new Map<string, StoredMail>();

  /** Once for each recipient, and again whenever something is told of the message. */
  add({ id, recipient, custom, body }: Message, atMs: number): void {
    const known = this.byId.get(id);
    if (known?.recipients.includes(recipient) === true) return;
    const mail = body as Readonly<Record<string, unknown>>;
    const recipients = [...(known?.recipients ?? []), recipient];
    this.byId.set(id, { id, recipients, mail, metadata: custom, atMs: known?.atMs ?? atMs });
  }

  /** Newest first. Who names no stream searches the default one alone. */
  search(query: URLSearchParams): readonly StoredMail[] {
    const stream = query.get('messagestream') ?? STREAM;
    const metadata = [...query].flatMap(([name, value]) =>
      name.startsWith(METADATA) ? [[name.slice(METADATA.length), value] as const] : [],
    );
    const is = (name: string, value: unknown): boolean => query.get(name) === null || query.get(name) === value;
    return [...this.byId.values()]
      .filter(
        (stored) =>
          (stored.mail['MessageStream'] ?? STREAM) === stream &&
          metadata.every(([name, value]) => stored.metadata[name] === value) &&
          is('tag', stored.mail['Tag']) &&
          is('subject', stored.mail['Subject']) &&
          is('fromemail', addressOf(String(stored.mail['From']))) &&
          (query.get('recipient') === null || stored.recipients.includes(query.get('recipient') ?? '')),
      )
      .reverse();
  }
}

/** The answer to a search; null for one that does not say how many, or from where. */
export function searchPage(store: PostmarkStore, query: URLSearchParams): object | null {
  const [count, offset] = [query.get('count'), query.get('offset')].map(Number);
  if (count === undefined || offset === undefined || !isText(query.get('count')) || !isText(query.get('offset')))
    return null;
  if (!Number.isInteger(count) || !Number.isInteger(offset) || count < 1 || count > COUNT_MAX || offset < 0)
    return null;
  const all = store.search(query);
  return { TotalCount: all.length, Messages: all.slice(offset, offset + count).map(view) };
}

function view({ id, recipients, mail, metadata, atMs }: StoredMail): object {
  return {
    Tag: mail['Tag'] ?? '',
    MessageID: id,
    MessageStream: mail['MessageStream'] ?? STREAM,
    To: recipients.map((Email) => ({ Email, Name: null })),
    Cc: [],
    Bcc: [],
    Recipients: recipients,
    ReceivedAt: new Date(atMs).toISOString(),
    From: mail['From'],
    Subject: mail['Subject'] ?? '',
    Attachments: [],
    Status: 'Sent',
    TrackOpens: mail['TrackOpens'] ?? false,
    TrackLinks: mail['TrackLinks'] ?? 'None',
    Metadata: metadata,
    Sandboxed: false,
  };
}
