import fc from 'fast-check';
import { rewriteText } from './text-links.js';
import { isWebAddress, LINKS_TRACKED_MAX, trackContent, withLabels, type TrackingMeans } from './track-content.js';

const email = (html: string, text = '') => ({ channel: 'email', subject: 's', html, text }) as const;
const means: TrackingMeans = {
  linkFor: (url, index) => `https://t.example/l/${index}?${encodeURIComponent(url)}`,
  pixelUrl: null,
  labels: [],
  isOwn: (url) => url.startsWith('https://us.example/'),
  isTextTracked: false,
};
const labels = [
  { name: 'utm_source', value: 'acme' },
  { name: 'utm_campaign', value: "spring & 'sun' (1)" },
];
const LABELLED = 'utm_source=acme&utm_campaign=spring%20%26%20%27sun%27%20%281%29';

describe('trackContent', () => {
  it.each([
    'https://us.example/unsubscribe/x',
    'mailto:a@b.example',
    'tel:+15005550006',
    'sms:+15005550006',
    '#top',
    '/relative',
    '//shop.example/x',
    'javascript:alert(1)',
    'ftp://shop.example/',
    'https://',
    'https:///x',
    'https://shop.example/a b',
    'https://shop.example/\nlocation: x',
    'https://shop.example\\@evil.example/',
    'https://shop.example/\u0000',
    'https://shop.example/\u0085',
  ])('leaves %j alone', (url) => {
    const before = email(`<a href="${url}">x</a>`);
    expect(trackContent(before, { ...means, labels })).toEqual(before);
  });

  it('leads every other link over us, each with its number, and the text only where it is asked to', () => {
    const html = '<a href="https://a.example/?x=1&amp;y=2">a</a> <a href=HTTP://b.example>b</a>';
    const text = 'see https://a.example.';
    const link = (index: number, url: string): string => `https://t.example/l/${index}?${encodeURIComponent(url)}`;
    const expected = `<a href="${link(0, 'https://a.example/?x=1&y=2')}">a</a> <a href=${link(1, 'HTTP://b.example')}>b</a>`;
    expect(trackContent(email(html, text), means)).toEqual(email(expected, text));
    expect(trackContent(email(html, text), { ...means, isTextTracked: true })).toEqual(
      email(expected, `see ${link(2, 'https://a.example')}.`),
    );
  });

  it('leaves a link that cannot be led over us with its labels, and counts it all the same', () => {
    const linkFor = (_url: string, index: number): string | null => (index === 0 ? null : `https://t.example/${index}`);
    const html = '<a href="https://a.example"></a><a href="https://b.example"></a>';
    expect(trackContent(email(html), { ...means, linkFor, labels })).toEqual(
      email(`<a href="https://a.example?${LABELLED.replace('&', '&amp;')}"></a><a href="https://t.example/1"></a>`),
    );
  });

  it('puts the labels into the target, where they arrive', () => {
    const seen: string[] = [];
    const linkFor = (url: string): string => {
      seen.push(url);
      return 'https://t.example';
    };
    trackContent(email('<a href="https://a.example/#c">a</a>'), { ...means, linkFor, labels });
    expect(seen).toEqual([`https://a.example/?${LABELLED}#c`]);
  });

  it('shows the picture at the end of the body, and nowhere in a text message or a notification', () => {
    const pixelUrl = 'https://t.example/o/x.gif?a=1&b="2"';
    const { html } = trackContent(email('<body>x</body>'), { ...means, pixelUrl }) as { html: string };
    expect(html).toMatch(
      /^<body>x<img src="https:\/\/t\.example\/o\/x\.gif\?a=1&amp;b=&quot;2&quot;" width="1" height="1" alt=""[^>]*><\/body>$/,
    );
    const sms = { channel: 'sms', text: 'x' } as const;
    const push = { channel: 'push', title: 't', body: 'https://a.example', link: 'https://a.example' } as const;
    for (const content of [sms, push]) {
      expect(trackContent(content, { ...means, labels, pixelUrl, isTextTracked: true })).toEqual(content);
    }
  });

  it('leads so many links over us and no more', () => {
    const html = '<a href="https://a.example"></a>'.repeat(LINKS_TRACKED_MAX + 5);
    const { html: tracked } = trackContent(email(html), means) as { html: string };
    expect(tracked.match(/t\.example/g)).toHaveLength(LINKS_TRACKED_MAX);
  });
});

describe('withLabels', () => {
  it.each([
    ['https://a.example', `https://a.example?${LABELLED}`],
    ['https://a.example/?', `https://a.example/?${LABELLED}`],
    ['https://a.example/??', `https://a.example/??&${LABELLED}`],
    ['https://a.example/?x=1', `https://a.example/?x=1&${LABELLED}`],
    ['https://a.example/?x=1&', `https://a.example/?x=1&${LABELLED}`],
    ['https://a.example/#b?c', `https://a.example/?${LABELLED}#b?c`],
    [
      'https://a.example/?utm_source=mine',
      `https://a.example/?utm_source=mine&${LABELLED.slice('utm_source=acme&'.length)}`,
    ],
    ['https://a.example/?UTM_Source&utm_campaign=', 'https://a.example/?UTM_Source&utm_campaign='],
  ])('of %s', (url, labelled) => {
    expect(withLabels(url, labels)).toBe(labelled);
    expect(withLabels(labelled, labels)).toBe(labelled);
  });

  it('keep an address one that a browser reads in the same way, but for themselves', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const [before, after] = [new URL(url), new URL(withLabels(url, labels))];
        expect(isWebAddress(after.href)).toBe(true);
        expect([after.origin, after.pathname, after.hash]).toEqual([before.origin, before.pathname, before.hash]);
        for (const { name, value } of labels) {
          expect(after.searchParams.get(name)).toBe(before.searchParams.get(name) ?? value);
        }
      }),
    );
  });
});

describe('rewriteText', () => {
  it.each([
    ['go to https://a.example/x.', 'go to <>.'],
    ['(https://a.example/x)', '(<>)'],
    ['https://a.example/x_(y)', '<>'],
    ['(see https://a.example/x_(y))', '(see <>)'],
    ['<https://a.example/x>', '<<>>'],
    ['"https://a.example", „https://b.example”', '"<>", „<>”'],
    ['xhttps://a.example', 'xhttps://a.example'],
    ['http://a.example?! HTTPS://B.EXAMPLE', '<>?! <>'],
    ['mailto:a@b.example www.a.example', 'mailto:a@b.example www.a.example'],
  ])('%s', (text, rewritten) => {
    expect(rewriteText(text, () => '<>')).toBe(rewritten);
  });

  it('changes nothing where each address stays, and takes time in proportion to the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => void expect(rewriteText(text, (url) => url)).toBe(text)),
    );
    for (const piece of [')', '(', '.', 'https://a', 'https://a.example)']) {
      const text = `https://a.example/${piece.repeat(100_000)}`;
      expect(rewriteText(text, (url) => url)).toBe(text);
    }
  });
});
