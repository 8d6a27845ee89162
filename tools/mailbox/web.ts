import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import PostalMime from 'postal-mime';
import { STYLE, framedHtml, listPage, messagePage } from './pages.js';
import type { MessageStore, StoredMessage } from './store.js';

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 500;
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** A message may style itself; it may load nothing, run nothing and tell nobody that it was read. */
const MESSAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Question {
  readonly store: MessageStore;
  readonly query: URLSearchParams;
  readonly id: string;
}

type Route = readonly [method: string, path: RegExp, answer: (question: Question) => Answer | Promise<Answer>];

const ROUTES: readonly Route[] = [
  ['GET', /^\/$/, answerList],
  ['GET', /^\/style\.css$/, () => ({ status: 200, type: 'text/css', body: STYLE })],
  ['POST', /^\/delete$/, (question) => ({ ...deleteAll(question), status: 303, headers: { location: '/' } })],
  ['GET', /^\/messages\/(\d+)$/, answerMessage],
  ['GET', /^\/messages\/(\d+)\/html$/, answerHtml],
  ['GET', /^\/messages\/(\d+)\/source$/, answerSource],
  ['GET', /^\/api\/health$/, () => json(200, { status: 'ok' })],
  ['GET', /^\/api\/messages$/, answerListAsJson],
  ['DELETE', /^\/api\/messages$/, deleteAll],
  ['GET', /^\/api\/messages\/count$/, ({ store, query }) => json(200, { count: store.count(query.get('to') ?? '') })],
  ['GET', /^\/api\/messages\/(\d+)$/, answerMessageAsJson],
];

/**
 * The inbox for people (`/`) and for programs (`/api/messages`), asked from this machine; in a container, through a port
 * that is published on loopback. Refuses what a foreign page makes a browser send: a wrong Host, or another site's origin.
 */
export function createWebServer(store: MessageStore): Server {
  return createServer((request, response) => {
    respond({ store, request })
      .catch((error: Error) => problem(500, error.message))
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  });
}

async function respond(call: { readonly store: MessageStore; readonly request: IncomingMessage }): Promise<Answer> {
  const { store, request } = call;
  request.resume(); // no route reads a body
  if (!LOOPBACK.test(request.headers.host ?? '')) return problem(403, 'ask 127.0.0.1 or localhost');
  const site = request.headers['sec-fetch-site'];
  if (request.method !== 'GET' && site !== undefined && site !== 'same-origin')
    return problem(403, 'asked by another site');
  const url = new URL(request.url ?? '/', 'http://inbox');
  const routes = ROUTES.filter(([, path]) => path.test(url.pathname));
  if (routes.length === 0) return problem(404, `nothing at ${url.pathname}`);
  const route = routes.find(([method]) => method === request.method);
  if (route === undefined) return problem(405, `${url.pathname} knows ${routes.map(([method]) => method).join(', ')}`);
  const id = route[1].exec(url.pathname)?.[1] ?? '';
  return route[2]({ store, query: url.searchParams, id });
}

function answerList({ store, query }: Question): Answer {
  const to = query.get('to') ?? '';
  const page = store.list({ to, limit: PAGE_SIZE, cursor: query.get('cursor') });
  return htmlPage(listPage({ page, to, count: store.count(to) }));
}

async function answerMessage({ store, id }: Question): Promise<Answer> {
  const message = store.get(id);
  if (message === undefined) return problem(404, `no message ${id}`);
  return htmlPage(messagePage({ message, email: await PostalMime.parse(await store.source(id)) }));
}

async function answerHtml({ store, id }: Question): Promise<Answer> {
  if (store.get(id) === undefined) return problem(404, `no message ${id}`);
  const { html = '' } = await PostalMime.parse(await store.source(id));
  const headers = { 'content-security-policy': MESSAGE_POLICY };
  return { status: 200, type: 'text/html', body: framedHtml(html), headers };
}

async function answerSource({ store, id }: Question): Promise<Answer> {
  if (store.get(id) === undefined) return problem(404, `no message ${id}`);
  const headers = { 'content-disposition': `attachment; filename="${id}.eml"` };
  return { status: 200, type: 'message/rfc822', body: await store.source(id), headers };
}

function answerListAsJson({ store, query }: Question): Answer {
  const limit = query.get('limit') ?? String(PAGE_SIZE);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE_SIZE_MAX) {
    return problem(400, `limit: expected 1 to ${PAGE_SIZE_MAX}`);
  }
  const { items, nextCursor } = store.list({
    to: query.get('to') ?? '',
    limit: Number(limit),
    cursor: query.get('cursor'),
  });
  return json(200, { items: items.map(summary), next_cursor: nextCursor });
}

async function answerMessageAsJson({ store, id }: Question): Promise<Answer> {
  const message = store.get(id);
  if (message === undefined) return problem(404, `no message ${id}`);
  const email = await PostalMime.parse(await store.source(id));
  const headers = email.headers.map(({ originalKey, value }) => ({ name: originalKey, value }));
  return json(200, { ...summary(message), headers, text: email.text ?? null, html: email.html ?? null });
}

function deleteAll({ store }: Question): Answer {
  store.clear();
  return { status: 204, type: 'text/plain', body: '' };
}

function summary(message: StoredMessage): object {
  const { receivedAt, messageId, ...rest } = message;
  return { ...rest, received_at: receivedAt, message_id: messageId };
}

function htmlPage(body: string): Answer {
  return { status: 200, type: 'text/html', body };
}

function json(status: number, value: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

function problem(status: number, detail: string): Answer {
  return { ...json(status, { status, title: detail }), type: 'application/problem+json' };
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    'content-type': type.startsWith('text/') ? `${type}; charset=utf-8` : type,
    'content-security-policy': PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}
