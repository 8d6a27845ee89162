import type { Message } from '../wire.js';

/** A text as the Messages resource shows it. */
export interface StoredText {
  readonly message: Message;
  readonly from: string;
  readonly text: string;
  readonly segments: number;
  readonly direction: 'outbound-api' | 'inbound';
  readonly createdAtMs: number;
  status: string;
  errorCode: number | null;
}

/** Of everything that this process has taken. */
export class TwilioStore {
  private readonly bySid = new Map<string, StoredText>();

  add(text: StoredText): void {
    this.bySid.set(text.message.id, text);
  }

  find(sid: string): StoredText | undefined {
    return this.bySid.get(sid);
  }

  /** Newest first, by the filters of Twilio's list. */
  list(query: URLSearchParams): readonly StoredText[] {
    const [to, from] = [query.get('To'), query.get('From')];
    const dates = dateLimits(query);
    return [...this.bySid.values()]
      .filter(
        ({ message, from: sender, createdAtMs }) =>
          (to === null || message.recipient === to) &&
          (from === null || sender === from) &&
          createdAtMs >= dates.fromMs &&
          createdAtMs < dates.untilMs,
      )
      .reverse();
  }
}

/** `DateSent` is a day or an instant; `DateSent>` and `DateSent<` (written `DateSent>=…`) include what they name. */
function dateLimits(query: URLSearchParams): { readonly fromMs: number; readonly untilMs: number } {
  const [on, since, until] = ['DateSent', 'DateSent>', 'DateSent<'].map((name) => query.get(name));
  return {
    fromMs: Date.parse(on ?? since ?? '') || 0,
    untilMs: endOf(on ?? until ?? '') || Infinity,
  };
}

/** Just after a day, or after the second of an instant. */
const endOf = (date: string): number => Date.parse(date) + (/^\d{4}-\d{2}-\d{2}$/.test(date) ? 86_400_000 : 1_000);
