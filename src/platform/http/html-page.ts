import type { FastifyReply } from 'fastify';

/** Pages load nothing from anywhere and run nothing; a form goes back to where it came from. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** A page for people: what it says, and with which status. */
export interface HtmlPage {
  readonly status: 200 | 400 | 404 | 410;
  /** Plain text. */
  readonly title: string;
  /** HTML. Everything in it that came from outside has been through `escapeHtml`. */
  readonly body: string;
}

/** Answers a request with a page. */
export function sendPage(reply: FastifyReply, { status, title, body }: HtmlPage): string {
  void reply.status(status).type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY);
  return document(title, body);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML, in an attribute too. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

// Every pair of colours has a contrast of at least 4.5:1 for text and 3:1 for edges (WCAG 2.2, 1.4.3 and 1.4.11).
const STYLE = `
:root { color-scheme: light dark; --edge: #767b85; --quiet: #4b5563; --accent: #1d4ed8; --focus: #b45309; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --edge: #8b93a1; --quiet: #b6bdc9; --accent: #2563eb; --focus: #f59e0b; --panel: #1e2127; }
}
* { box-sizing: border-box; }
body { font: 1.0625rem/1.5 system-ui, sans-serif; margin: 0; padding: clamp(1.5rem, 6vh, 5rem) 1.25rem 3rem; }
main { max-width: 36rem; margin: 0 auto; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.125rem; margin: 0; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: 0.9375rem; }
fieldset { border: 1px solid var(--edge); border-radius: 0.5rem; margin: 0 0 1.25rem; padding: 0.5rem 1rem 0.75rem; min-width: 0; }
legend { font-weight: 600; padding: 0 0.375rem; margin-left: -0.375rem; }
.choice { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0 0.75rem; align-items: start; padding: 0.625rem 0; }
.choice + .choice { border-top: 1px solid color-mix(in srgb, var(--edge) 35%, transparent); }
.choice input { width: 1.375rem; height: 1.375rem; margin: 0.0625rem 0 0; accent-color: var(--accent); }
.choice label { font-weight: 500; overflow-wrap: anywhere; }
.choice .quiet { grid-column: 2; margin: 0; overflow-wrap: anywhere; }
.said { background: var(--panel); border-left: 0.25rem solid var(--accent); border-radius: 0.25rem; padding: 0.75rem 1rem; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: 0.5rem 1.5rem; border: 0; border-radius: 0.375rem; background: var(--accent); color: #fff; cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
`;

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

/** What a form sends by default, read from a body that arrived as text. Never throws: a broken escape stands for itself. */
export const readForm = (body: unknown): URLSearchParams => new URLSearchParams(typeof body === 'string' ? body : '');
