import { escapeHtml, type HtmlPage } from '../../platform/http/html-page.js';
import type { LinkState } from './double-opt-in.service.js';

const NOTHING_CHANGED = 'Nothing was changed.';

/** What a person sees behind a link to confirm. */
export function confirmPage(state: LinkState, companyName: string): HtmlPage {
  const company = escapeHtml(companyName);
  switch (state.kind) {
    case 'open':
      return {
        status: 200,
        title: 'Please confirm',
        body: `<h1>Do you want these messages?</h1>
<p>Press the button, and ${company} may send you ${escapeHtml(state.purpose)} messages by ${escapeHtml(state.channel)}. Every message shows how to end them.</p>
<form method="post"><input type="hidden" name="confirm" value="yes"><button type="submit">Yes, send them</button></form>
<p class="quiet" style="margin-top:1rem">If you did not ask for them, close this page: you will get none.</p>`,
      };
    case 'confirmed':
      return {
        status: 200,
        title: 'Confirmed',
        body: `<h1>Thank you</h1>
<p class="said" role="status">You have confirmed: ${company} may send you ${escapeHtml(state.purpose)} messages by ${escapeHtml(state.channel)}.</p>`,
      };
    case 'used':
      return said(200, 'Link used before', `You confirmed with this link earlier, and have changed it since.`);
    case 'expired':
      return said(410, 'Link no longer valid', 'This link has expired. Please ask for the messages again.');
    case 'void':
      return said(
        410,
        'Link no longer valid',
        'This link belongs to an earlier request that no longer stands. Please ask for the messages again.',
      );
    case 'unknown':
      return said(404, 'Link not valid', 'Please use the link in the message again; it may have been cut.');
  }
}

const said = (status: HtmlPage['status'], title: string, text: string): HtmlPage => ({
  status,
  title,
  body: `<h1>${title}</h1>\n<p class="said" role="status">${text} ${NOTHING_CHANGED}</p>`,
});
