/** Pages load nothing from anywhere; the form goes back to where it came from. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

export interface PageFacts {
  readonly companyName: string;
  readonly purpose: string;
  readonly channel: string;
}

/** Asks. To look at it changes nothing: mail scanners open every link. */
export function askPage({ companyName, purpose, channel }: PageFacts): string {
  return page(
    'Unsubscribe',
    `<h1>Unsubscribe?</h1>
<p>Press the button, and you will get no more ${escape(purpose)} messages by ${escape(channel)} from ${escape(companyName)}.</p>
<form method="post"><input type="hidden" name="confirm" value="yes"><button type="submit">Unsubscribe</button></form>`,
  );
}

export function donePage({ companyName, purpose, channel }: PageFacts): string {
  return page(
    'Unsubscribed',
    `<h1>You are unsubscribed</h1>
<p role="status">You will get no more ${escape(purpose)} messages by ${escape(channel)} from ${escape(companyName)}.</p>`,
  );
}

export function unknownPage(): string {
  return page(
    'Link not valid',
    `<h1>This link is not valid</h1>
<p>Nothing was changed. Please use the link in the message again; it may have been cut when it was copied.</p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; }
button { font: inherit; padding: 0.625rem 1.25rem; border: 0; border-radius: 0.375rem; background: #1d4ed8; color: #fff; cursor: pointer; }
button:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
