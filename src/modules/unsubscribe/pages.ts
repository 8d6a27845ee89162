import { escapeHtml, type HtmlPage } from '../../platform/http/html-page.js';

export interface PageFacts {
  readonly companyName: string;
  readonly purpose: string;
  readonly channel: string;
}

/** Asks. To look at it changes nothing: mail scanners open every link. */
export function askPage({ companyName, purpose, channel }: PageFacts): HtmlPage {
  return {
    status: 200,
    title: 'Unsubscribe',
    body: `<h1>Unsubscribe?</h1>
<p>Press the button, and you will get no more ${escapeHtml(purpose)} messages by ${escapeHtml(channel)} from ${escapeHtml(companyName)}.</p>
<form method="post"><input type="hidden" name="confirm" value="yes"><button type="submit">Unsubscribe</button></form>`,
  };
}

export function donePage({ companyName, purpose, channel }: PageFacts): HtmlPage {
  return {
    status: 200,
    title: 'Unsubscribed',
    body: `<h1>You are unsubscribed</h1>
<p class="said" role="status">You will get no more ${escapeHtml(purpose)} messages by ${escapeHtml(channel)} from ${escapeHtml(companyName)}.</p>`,
  };
}

export function unknownPage(): HtmlPage {
  return {
    status: 404,
    title: 'Link not valid',
    body: `<h1>This link is not valid</h1>
<p>Nothing was changed. Please use the link in the message again; it may have been cut when it was copied.</p>`,
  };
}
