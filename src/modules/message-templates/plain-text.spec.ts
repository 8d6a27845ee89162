import fc from 'fast-check';
import { plainText } from './plain-text.js';

describe('plainText', () => {
  it.each<[string, string, string]>([
    ['paragraphs and line breaks', '<p>One</p><p>Two<br>Three</p>', 'One\n\nTwo\nThree'],
    ['characters that HTML writes otherwise', '<p>a &amp; b &lt;c&gt; &eacute;&nbsp;d</p>', 'a & b <c> é\u00a0d'],
    ['headings as they are written', '<h1>Hello Ada</h1><p>x</p>', 'Hello Ada\n\nx'],
    ['lists', '<ul><li>one</li><li>two</li></ul>', ' * one\n * two'],
    [
      'cells of a table apart',
      '<table><tr><td>one</td><td>two</td></tr><tr><td>three</td></tr></table>',
      'one\ntwo\nthree',
    ],
    ['a link behind its text', '<a href="https://a.example/?b=1&amp;c=2">go</a>.', 'go <https://a.example/?b=1&c=2>.'],
    ['a link once where its text says it', '<a href="https://a.example">https://a.example</a>', 'https://a.example'],
    [
      'a picture by what it shows',
      '<a href="https://a.example"><img src="x.png" alt="Shop"></a>',
      'Shop <https://a.example>',
    ],
    [
      'a link around a picture that shows nothing',
      '<a href="https://a.example"><img src="x.png"></a>',
      'https://a.example',
    ],
    [
      'nothing of style, script, title and comments',
      '<title>t</title><style>p{}</style><script>x()</script><!-- c --><p>x</p>',
      'x',
    ],
    ['nothing that is not seen', '<div style="display:none;max-height:0">preview</div><p>x</p>', 'x'],
    ['a whole page', '<!doctype html><html><head><title>t</title></head><body><p>x</p></body></html>', 'x'],
  ])('keeps %s', (_what, html, text) => {
    expect(plainText(html).trimEnd()).toBe(text.trimEnd());
  });

  it('breaks no line', () => {
    const line = 'word '.repeat(200).trim();
    expect(plainText(`<p>${line}</p>`)).toBe(line);
  });

  it('keeps every link, wherever it stands and whatever it holds', () => {
    const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
    const frame = fc.constantFrom(
      (inner: string) => `<p>${inner}</p>`,
      (inner: string) => `<table><tr><td><table><tr><td>${inner}</td></tr></table></td></tr></table>`,
      (inner: string) => `<ul><li><b>${inner}</b></li></ul>`,
      (inner: string) => `<h2>${inner}</h2>`,
      (inner: string) => `<div><span>${inner}</span>`,
      (inner: string) => inner,
    );
    const label = fc.constantFrom('out', '', '<img src="a.png">', '<b>Shop</b> now', '&lt;here&gt;');
    fc.assert(
      fc.property(fc.array(fc.tuple(url, frame, label), { maxLength: 8 }), (links) => {
        const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
        const html = links.map(([href, wrap, text]) => wrap(`<a href="${escaped(href)}">${text}</a>`)).join('\n');
        const text = plainText(html);
        for (const [href] of links) expect(text).toContain(href);
      }),
    );
  });
});
