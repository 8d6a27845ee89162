import type { Email } from 'postal-mime';
import type { Page, StoredMessage } from './store.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Whatever a message holds, it shows as text. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** The list of messages, newest first. */
export function listPage({
  page,
  to,
  count,
}: {
  readonly page: Page;
  readonly to: string;
  readonly count: number;
}): string {
  const rows = page.items.map(listRow).join('');
  const table = `<table>
<caption class="visually-hidden">Messages, newest first</caption>
<thead><tr><th scope="col">Received</th><th scope="col">To</th><th scope="col">Subject</th><th scope="col">Size</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  const empty = `<p class="empty">${to === '' ? 'No message yet. Whatever Tactful sends arrives here.' : 'No message to such a recipient.'}</p>`;
  const older = `/?to=${encodeURIComponent(to)}&amp;cursor=${page.nextCursor ?? ''}`;
  return document(
    'Inbox',
    `<header><h1>Inbox</h1><p>${count} ${count === 1 ? 'message' : 'messages'}${to === '' ? '' : ` to “${escape(to)}”`}</p></header>
<div class="bar">
<form action="/" role="search"><label for="to">Recipient</label> <input id="to" name="to" type="search" value="${escape(to)}"> <button>Search</button></form>
<a class="button" href="/?to=${encodeURIComponent(to)}">Refresh</a>
<form action="/delete" method="post"><button class="danger">Delete all</button></form>
</div>
<main>${page.items.length === 0 ? empty : table}</main>
${page.nextCursor === null ? '' : `<nav><a class="button" rel="next" href="${older}">Older messages</a></nav>`}`,
  );
}

function listRow(message: StoredMessage): string {
  const subject = message.subject === '' ? '(no subject)' : message.subject;
  return `<tr><td>${time(message.receivedAt)}</td><td>${escape(message.to.join(', '))}</td>
<td><a href="/messages/${message.id}">${escape(subject)}</a></td><td>${size(message.bytes)}</td></tr>`;
}

/** One message: what a person sees, what a plain client sees, and what the machines said. */
export function messagePage({ message, email }: { readonly message: StoredMessage; readonly email: Email }): string {
  const headers = email.headers
    .map(({ originalKey, value }) => `<tr><th scope="row">${escape(originalKey)}</th><td>${escape(value)}</td></tr>`)
    .join('');
  const html =
    email.html === undefined
      ? '<p class="empty">This message has no HTML part.</p>'
      : `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${message.id}/html" title="The message as HTML"></iframe>`;
  const text =
    email.text === undefined
      ? '<p class="empty">This message has no text part.</p>'
      : `<pre>${escape(email.text)}</pre>`;
  return document(
    message.subject,
    `<header><p><a href="/">Inbox</a></p><h1>${escape(message.subject === '' ? '(no subject)' : message.subject)}</h1>
<p>From ${escape(message.from)} to ${escape(message.to.join(', '))}, ${time(message.receivedAt)}, ${size(message.bytes)}</p></header>
<main>
<section><h2>HTML</h2>${html}</section>
<section><h2>Text</h2>${text}</section>
<section><h2>Headers</h2><table class="headers"><caption class="visually-hidden">Headers of the message</caption><tbody>${headers}</tbody></table></section>
<p><a class="button" href="/messages/${message.id}/source">Download the source</a></p>
</main>`,
  );
}

/** The message's own HTML; its links open in a new tab, because the frame shows nothing but the message. */
export function framedHtml(html: string): string {
  const doctype = /^\s*<!doctype[^>]*>/i.exec(html)?.[0] ?? '';
  return `${doctype}<base target="_blank">${html.slice(doctype.length)}`;
}

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)} · Tactful inbox</title><link rel="stylesheet" href="/style.css"></head>
<body>${body}</body></html>
`;
}

function time(instant: string): string {
  return `<time datetime="${instant}">${instant.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`;
}

/** Follows the reader's light or dark setting. */
export const STYLE = `:root{color-scheme:light dark;--line:#8886;--quiet:#8882;--accent:#1f6feb}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1.5rem}
h1{margin:0;font-size:1.6rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
header p{margin:.2rem 0;opacity:.8}
.bar{display:flex;gap:1rem;flex-wrap:wrap;align-items:center;margin:1rem 0}.bar form:first-child{flex:1}
input,button,.button{font:inherit;padding:.35rem .8rem;border:1px solid var(--line);border-radius:.4rem;background:var(--quiet);color:inherit;text-decoration:none;cursor:pointer}
.danger{border-color:#d1242f}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td:first-child,td:last-child,.headers th{white-space:nowrap}.headers td{white-space:normal;font-family:ui-monospace,monospace;font-size:.875rem}
tbody tr:hover{background:var(--quiet)}
iframe{width:100%;height:28rem;border:1px solid var(--line);border-radius:.4rem;background:#fff;color-scheme:light}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--quiet);padding:1rem;border-radius:.4rem;margin:0}
.empty{opacity:.8;padding:1.5rem 0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
`;
