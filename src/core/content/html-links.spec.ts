import fc from 'fast-check';
import { decodeAttribute, encodeAttribute } from './attribute-text.js';
import { outlineOf, rewriteHtml } from './html-links.js';

const urlsOf = (html: string): (string | null)[] => outlineOf(html).links.map(({ url }) => url);
const A = 'https://a.example/';

describe('links of a page', () => {
  it.each<[string, string, (string | null)[]]>([
    ['in double quotes', `<a href="${A}">x</a>`, [A]],
    ['in single quotes', `<a class=b href='${A}?q="1"'>x</a>`, [`${A}?q="1"`]],
    ['without quotes', `<a href=${A}?a=1/ id=x>x</a>`, [`${A}?a=1/`]],
    ['in capitals, over several lines', `<A\n  HREF = "${A}"\n>x</A>`, [A]],
    ['of areas of pictures', `<map><area href="${A}"/></map>`, [A]],
    ['with spaces around them', `<a href="\n ${A}\t">x</a>`, [A]],
    ['with references', `<a href="${A}?a=1&amp;b=2&#38;c=3&#x26;d=4&#47&quest;">`, [`${A}?a=1&b=2&c=3&d=4/?`]],
    ['with names that are none before =', `<a href="${A}?a=1&copy=2&lt=3">`, [`${A}?a=1&copy=2&lt=3`]],
    [
      'with names of which it is not certain',
      `<a href="${A}?a&copy"><a href="${A}&eacute;"><a href="${A}&#0;">`,
      [null, null, null],
    ],
    ['twice in a tag: the first counts', `<a href="${A}" href="https://b.example/">`, [A]],
    ['behind a > in quotes', `<a title="a > b" href="${A}">`, [A]],
    ['behind odd characters', `<a =b "c" <d href="${A}">`, [A]],
    ['with no space between attributes', `<a title="x"href="${A}">`, [A]],
    [
      'behind a comment that is none',
      `<!-- <a href="x"> --><!--><a href="${A}"><!---><a href="${A}"><!--x--!><a href="${A}">`,
      [A, A, A],
    ],
    ['behind a doctype and an instruction', `<!doctype html><?xml <a href="x"?><a href="${A}">`, [A]],
    [
      'behind styles and scripts',
      `<style>a{content:'<a href="x">'}</style><script>"<a href='x'>"</script ><a href="${A}">`,
      [A],
    ],
    ['behind a title that looks like an end', `<title></titles><a href="x"></title><a href="${A}">`, [A]],
    ['behind a lone <', `1 < 2 <3 <a href="${A}">`, [A]],
    ['empty', '<a href><a href=><a href="">', [null, null, null]],
  ])('are found %s', (_what, html, urls) => {
    expect(urlsOf(html)).toEqual(urls);
  });

  it.each([
    ['in a comment', `<!--[if mso]><a href="${A}">x</a><![endif]-->`],
    ['in a comment that never ends', `<!-- <a href="${A}">`],
    ['in a script that never ends', `<script><a href="${A}"></scripts>`],
    ['in a tag that never ends', `<a href="${A}"`],
    ['in quotes that never end', `<a href="${A}>x</a><a href='>`],
    ['in the end of an element', `</a href="${A}">`],
    ['of other elements', `<link href="${A}"><img src="${A}"><base href="${A}">`],
    ['in data', `<a data-href="${A}" xhref="${A}">`],
    ['behind plain text', `<plaintext><a href="${A}">`],
  ])('are not found %s', (_what, html) => {
    expect(urlsOf(html)).toEqual([]);
  });

  it('say whether their author keeps them out', () => {
    const html = `<a href="${A}" data-track="off"><a data-track=' OFF ' href="${A}"><a href="${A}" data-track="on"><a href="${A}">`;
    expect(outlineOf(html).links.map(({ isOff }) => isOff)).toEqual([true, true, false, false]);
    expect(rewriteHtml(html, { rewrite: () => 'X', atBodyEnd: '' }).match(/"X"/g)).toHaveLength(2);
  });
});

describe('the end of the body', () => {
  const ending = (html: string): string => rewriteHtml(html, { rewrite: (url) => url, atBodyEnd: '|' });

  it.each([
    ['<body><p>x</p></body></html>', '<body><p>x</p>|</body></html>'],
    ['<BODY>x</BODY >\n', '<BODY>x|</BODY >\n'],
    ['<p>x</p></html>', '<p>x</p>|</html>'],
    ['<p>x</p>', '<p>x</p>|'],
    ['<body>x</body><!-- </body> -->', '<body>x|</body><!-- </body> -->'],
    ['', '|'],
  ])('of %s', (html, ended) => {
    expect(ending(html)).toBe(ended);
  });

  it.each(['<p>x</p><!-- y', '<p>x</p><a href="', '<style>p{}', '<p>x</p><a '])('is nowhere in %s', (html) => {
    expect(ending(html)).toBe(html);
  });
});

describe('attributes', () => {
  it('say again what was written into them, whatever it is, in and without quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(decodeAttribute(encodeAttribute(text))).toBe(text);
        expect(encodeAttribute(text)).not.toMatch(/["'<>`]/);
      }),
    );
  });
});

/** Whatever a page may be made of, and much that it may not. */
const anyHtml = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          '<a ',
          '<A\n',
          'href=',
          'href = ',
          '"',
          "'",
          '>',
          '/>',
          '</a>',
          '<!--',
          '-->',
          '--!>',
          '<!',
          '<?',
          '</',
          '<',
        ],
        ...[
          '<script>',
          '</script>',
          '<style>',
          '</style >',
          '<title>',
          '</title>',
          '<area ',
          '</body>',
          '</html>',
          '<p>',
        ],
        ...[
          '&amp;',
          '&#38;',
          '&copy',
          '&',
          '=',
          ' ',
          '\n',
          'data-track="off"',
          '<![CDATA[',
          ']]>',
          '<plaintext>',
          'é',
          '😀',
        ],
        ...[
          'https://a.example/?x=1',
          'http://b.example',
          'mailto:a@b.example',
          '#top',
          '<a href="https://c.example/">c</a>',
        ],
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

describe('rewriting', () => {
  it('and undoing it gives the same page, to the byte, whatever the page is', () => {
    fc.assert(
      fc.property(anyHtml, (html) => {
        const seen: string[] = [];
        const marked = rewriteHtml(html, {
          rewrite: (url) => {
            seen.push(url);
            return `https://t.example/l/${seen.length - 1}/`;
          },
          atBodyEnd: '<img src="https://t.example/o/1.gif">',
        });
        const { links } = outlineOf(html);
        const raw = links
          .filter(({ url, isOff }) => url !== null && !isOff)
          .map(({ start, end }) => html.slice(start, end));
        expect(raw).toHaveLength(seen.length);
        const undone = marked
          .replace('<img src="https://t.example/o/1.gif">', '')
          .replaceAll(/https:\/\/t\.example\/l\/(\d+)\//g, (_, index: string) => raw[Number(index)] ?? '');
        expect(undone).toBe(html);
      }),
      { numRuns: 2_000 },
    );
  });

  it('loses no link and makes none: a page has as many after it, in the same order', () => {
    fc.assert(
      fc.property(anyHtml, (html) => {
        const before = outlineOf(html).links;
        let count = 0;
        const rewrite = (url: string): string =>
          `https://t.example/?"'<>&=\`${(count += 1)}#${encodeURIComponent(url)}`;
        const rewritten = rewriteHtml(html, { rewrite, atBodyEnd: '' });
        const after = outlineOf(rewritten).links;
        expect(after).toHaveLength(before.length);
        for (const [index, { url, isOff }] of before.entries()) {
          if (url === null || isOff) expect(after[index]).toMatchObject({ url, isOff });
          else expect(after[index]?.url).toMatch(/^https:\/\/t\.example\/\?"'<>&=`\d+#/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes time in proportion to the page: half a megabyte of what never ends', () => {
    for (const piece of [
      '<!--',
      '<a href="',
      '<script>',
      '<',
      '</',
      '<!',
      '<a ',
      '<title></titl',
      '&amp;',
      "<a b='",
      `<a href="x${' '.repeat(99)}`,
    ]) {
      const html = piece.repeat(Math.ceil(500_000 / piece.length));
      expect(rewriteHtml(html, { rewrite: (url) => url, atBodyEnd: '' })).toBe(html);
    }
  });
});
