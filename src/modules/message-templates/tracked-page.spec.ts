import fc from 'fast-check';
import { trackContent } from '../../core/content/track-content.js';
import { compileMjml } from './mjml.js';
import { plainText } from './plain-text.js';

const LINK = /https:\/\/t\.example\/l\/([A-Za-z0-9_-]+)/g;
const coded = (url: string): string => Buffer.from(url).toString('base64url');
const means = {
  linkFor: (url: string) => `https://t.example/l/${coded(url)}`,
  pixelUrl: 'https://t.example/o/x.gif',
  labels: [],
  isOwn: () => false,
  isTextTracked: false,
};

function tracked(html: string): string {
  const content = trackContent({ channel: 'email', subject: 's', html, text: '' }, means);
  return content.channel === 'email' ? content.html : '';
}

/** As a library of its own, which knows nothing of ours, reads the page. */
const readBack = (html: string): string =>
  plainText(html).replaceAll(LINK, (_, code: string) => Buffer.from(code, 'base64url').toString());

describe('a tracked page', () => {
  it('says the same as the page without, with the same links in the same places, to a reader of its own', () => {
    const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
    const escaped = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
    const attribute = fc.constantFrom(
      (text: string) => `href="${escaped(text)}"`,
      (text: string) => `class='x' href='${escaped(text)}' style="color:red"`,
      (text: string) => `target=_blank HREF="${escaped(text)}"`,
    );
    const link = fc.tuple(url, attribute, fc.constantFrom('out', '<b>now</b>', '<img src="a.png" alt="Shop">'));
    const other = fc.constantFrom('<p>one</p>', '<!-- <a href="https://no.example">x</a> -->', '<br>', '&lt;a&gt;', '');
    fc.assert(
      fc.property(fc.array(fc.tuple(link, other), { maxLength: 10 }), (parts) => {
        const body = parts.map(([[href, put, text], more]) => `<p><a ${put(href)}>${text}</a>${more}</p>`).join('\n');
        const page = `<!doctype html><html><head><style>a{}</style></head><body>${body}</body></html>`;
        const page2 = tracked(page);
        expect(page2.match(LINK) ?? []).toHaveLength(parts.length);
        expect(readBack(page2)).toBe(plainText(page));
      }),
    );
  });

  it('made by MJML is tracked where its readers see it', async () => {
    const compiled = await compileMjml(
      '<mjml><mj-body><mj-section><mj-column><mj-button href="https://a.example/?x=1&amp;y=2">Go</mj-button></mj-column></mj-section></mj-body></mjml>',
    );
    const html = compiled.kind === 'html' ? compiled.html : '';
    expect(html).toContain('https://a.example/');
    const page = tracked(html);
    expect(page).toContain(`href="https://t.example/l/${coded('https://a.example/?x=1&y=2')}"`);
    expect(page).toMatch(/<img src="https:\/\/t\.example\/o\/x\.gif"[^>]*>\s*<\/body>/);
  });
});
