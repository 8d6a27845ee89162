import type { StoredText, TwilioStore } from './twilio-store.js';

/** Of the API. */
export const VERSION = '2010-04-01';

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 1_000;

/** The Message resource. */
export function view(text: StoredText, account: string): object {
  const { message, createdAtMs, status } = text;
  const uri = `/${VERSION}/Accounts/${account}/Messages/${message.id}`;
  const created = rfc2822(createdAtMs);
  return {
    account_sid: account,
    api_version: VERSION,
    body: text.text,
    date_created: created,
    date_sent: ['queued', 'sending'].includes(status) ? null : created,
    date_updated: created,
    direction: text.direction,
    error_code: text.errorCode,
    error_message: text.errorCode === null ? null : 'undelivered',
    from: text.from,
    messaging_service_sid: text.from.startsWith('MG') ? text.from : null,
    num_media: '0',
    num_segments: String(text.segments),
    price: null,
    price_unit: 'USD',
    sid: message.id,
    status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.recipient,
    uri: `${uri}.json`,
  };
}

const rfc2822 = (atMs: number): string => new Date(atMs).toUTCString().replace('GMT', '+0000');

/** A page of the list of messages. */
export function pageOf(store: TwilioStore, query: URLSearchParams, url: string, account: string): object {
  const size = Math.min(Math.max(Math.trunc(Number(query.get('PageSize'))) || PAGE_SIZE, 1), PAGE_SIZE_MAX);
  const page = Math.max(Math.trunc(Number(query.get('Page'))) || 0, 0);
  const all = store.list(query);
  const start = page * size;
  const items = all.slice(start, start + size);
  const uriOf = (number: number): string => {
    const [path = ''] = url.replace(/^\/twilio/, '').split('?');
    const parameters = new URLSearchParams(query);
    parameters.set('PageSize', String(size));
    parameters.set('Page', String(number));
    return `${path}?${parameters}`;
  };
  return {
    messages: items.map((text) => view(text, account)),
    page,
    page_size: size,
    start,
    end: start + Math.max(items.length - 1, 0),
    uri: uriOf(page),
    first_page_uri: uriOf(0),
    next_page_uri: start + size < all.length ? uriOf(page + 1) : null,
    previous_page_uri: page > 0 ? uriOf(page - 1) : null,
  };
}
