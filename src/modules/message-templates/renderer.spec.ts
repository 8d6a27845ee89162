import fc from 'fast-check';
import type { EmailContent, MessageContent } from '../../core/content/content.js';
import type { AuthoredContent, AuthoredEmail, Missing } from './authored-content.js';
import { faultsOfJson, faultsOfMarketing } from './content-rules.js';
import { RenderError } from './liquid.js';
import { parseContent, renderContent, type ParsedContent } from './renderer.js';

const EMAIL: AuthoredEmail = {
  channel: 'email',
  subject: 'Hello {{ user.name | default: "friend" }}',
  html: '<p>Hello {{ user.name }}</p><a href="{{ unsubscribe_url }}">out</a> {{ company.address }}',
  text: 'Hello {{ user.name }}\n{{ unsubscribe_url }}\n{{ company.address }}',
  mjml: null,
};
const SMS: AuthoredContent = { channel: 'sms', text: '{{ company.name }}: hello {{ user.name }}. STOP to end' };
const PUSH: AuthoredContent = {
  channel: 'push',
  title: 'Hello {{ user.name }}',
  body: 'Order {{ user.attributes.order }}',
  link: 'https://shop.example/{{ user.attributes.order }}',
};

function parse(content: AuthoredContent): ParsedContent {
  const result = parseContent(content);
  if (result.kind === 'faults') throw new Error(JSON.stringify(result.faults));
  return result.content;
}
const render = (content: AuthoredContent, context: object, missing: Missing = 'empty'): MessageContent =>
  renderContent(parse(content), { context: { ...context }, missing });
const email = (changes: Partial<AuthoredEmail>, context: object, missing: Missing = 'empty'): EmailContent => {
  const content = render({ ...EMAIL, ...changes }, context, missing);
  if (content.channel !== 'email') throw new Error('not an e-mail');
  return content;
};

describe('parseContent', () => {
  it.each<[string, Partial<AuthoredEmail>, string, RegExp]>([
    ['an open output', { html: 'a\nb {{ user.name' }, 'html', /line:2, col:3/],
    ['an open tag', { text: '{% if user.name %}' }, 'text', /not closed/],
    ['an unknown tag', { html: '{% nonsense %}' }, 'html', /nonsense/],
    ['an unknown filter', { subject: '{{ user.name | nonsense }}' }, 'subject', /undefined filter: nonsense/],
    ['another file', { html: '{% include "/etc/passwd" %}' }, 'html', /tag "include" not found/],
    ['another template', { html: '{% render "x" %}' }, 'html', /tag "render" not found/],
    ['a layout', { html: '{% layout "x" %}' }, 'html', /tag "layout" not found/],
    ['raw output', { html: '{{ user.name | raw }}' }, 'html', /undefined filter: raw/],
    ['a name that is mistyped', { html: '{{ usr.name }}' }, 'html', /"usr" is not known here/],
    ['a name that is mistyped in MJML', { html: '{{ usr.name }}', mjml: '' }, 'mjml', /"usr" is not known here/],
  ])('tells %s with part and place', (_what, changes, path, message) => {
    const result = parseContent({ ...EMAIL, ...changes });
    expect(result).toMatchObject({
      kind: 'faults',
      faults: [{ path, message: expect.stringMatching(message) as string }],
    });
  });

  it.each<[AuthoredContent, string[]]>([
    [{ ...EMAIL, subject: '{{', html: '{{', text: '{{' }, ['subject', 'html', 'text']],
    [{ channel: 'sms', text: '{{' }, ['text']],
    [{ channel: 'push', title: '{{', body: '{{', link: '{{' }, ['title', 'body', 'link']],
  ])('tells the faults of all parts of a channel at once', (content, paths) => {
    const result = parseContent(content);
    expect(result.kind === 'faults' && result.faults.map(({ path }) => path)).toEqual(paths);
  });

  it('knows names that the template itself assigns', () => {
    const text = '{% assign n = user.name %}{% for x in user.items %}{{ n }}{{ x }}{% endfor %}';
    expect(parseContent({ ...EMAIL, text }).kind).toBe('parsed');
  });
});

describe('renderContent', () => {
  const hostile = `<img src=x onerror="alert(1)"> & 'quoted' {{ 7 | times: 7 }} {% raw %}`;

  it('makes hostile text harmless in HTML and leaves it verbatim elsewhere', () => {
    const { subject, html, text } = email({}, { user: { name: hostile } });
    expect(html).toContain('&lt;img src=x onerror=&#34;alert(1)&#34;&gt; &amp; &#39;quoted&#39; {{ 7 | times: 7 }}');
    expect(html).not.toContain('<img');
    expect(subject).toBe(`Hello ${hostile}`);
    expect(text).toContain(hostile);
    const user = { name: hostile };
    expect(render({ channel: 'sms', text: '{{ user.name }}' }, { user })).toEqual({ channel: 'sms', text: hostile });
  });

  it('escapes a value in an attribute so that it cannot leave it', () => {
    const html = '<a title="{{ user.name }}">x</a>';
    expect(email({ html }, { user: { name: '" onclick="x' } }).html).toBe('<a title="&#34; onclick=&#34;x">x</a>');
  });

  it('fills in the parts of each channel', () => {
    const context = { user: { name: 'Ada', attributes: { order: 7 } }, company: { name: 'Shop' } };
    expect(render(SMS, context)).toEqual({ channel: 'sms', text: 'Shop: hello Ada. STOP to end' });
    expect(render(PUSH, context)).toEqual({
      channel: 'push',
      title: 'Hello Ada',
      body: 'Order 7',
      link: 'https://shop.example/7',
    });
    expect(render({ ...PUSH, link: null }, context)).toMatchObject({ link: null });
    expect(render({ ...PUSH, link: '{{ user.attributes.url }}' }, context)).toMatchObject({ link: null });
  });

  it('makes the plain text of what this person gets, where the author wrote none', () => {
    const html =
      '<p>Hello {{ user.name }}</p>{% if user.name == "Ada" %}<a href="{{ unsubscribe_url }}">out</a>{% endif %}';
    const context = { user: { name: 'Ada' }, unsubscribe_url: 'https://u.example/?a=1&b=2' };
    expect(email({ html, text: null }, context).text).toBe('Hello Ada\n\nout <https://u.example/?a=1&b=2>');
  });

  it.each(['a\r\nBcc: b@example.com', 'a\nb', 'a\u0000b', 'a\u0085b'])(
    'refuses a line break or control character in the subject: %j',
    (name) => {
      expect(() => email({}, { user: { name } })).toThrow(RenderError);
    },
  );

  it('refuses what the channel cannot carry', () => {
    expect(() => email({ subject: '{{ user.name }}' }, {})).toThrow(/empty/);
    expect(() => email({}, { user: { name: 'x'.repeat(1_000) } })).toThrow(/too long/);
    expect(() => render(SMS, { user: { name: 'x'.repeat(1_600) } })).toThrow(/11 segments/);
    expect(() => render(PUSH, { user: { name: 'x'.repeat(4_100) } })).toThrow(/4096/);
  });

  it('does not reach properties that are not data', () => {
    const text = '[{{ user.constructor }}{{ user.__proto__ }}{{ user.name.constructor }}]';
    expect(email({ text }, { user: { name: 'a' } }).text).toBe('[]');
  });

  it('gives up a template that takes too long or grows too large', () => {
    const loop = '{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}{% endfor %}';
    expect(() => email({ text: loop }, {})).toThrow(RenderError);
  });
});

describe('values that are missing', () => {
  const show = (text: string, context: object, missing: Missing = 'refuse'): string => {
    const content = render({ channel: 'sms', text: `[${text}]` }, context, missing);
    return content.channel === 'sms' ? content.text : '';
  };

  it.each<[string, string]>([
    ['{{ user.name }}', 'user.name'],
    ['{{- user.name -}}', 'user.name'],
    ['{{ user.name | upcase | append: "!" }}', 'user.name'],
    ['{{ user.attributes.city }}', 'user.attributes.city'],
    ['{% echo user.name %}', 'user.name'],
    ['{% if true %}{% unless false %}{{ user.name }}{% endunless %}{% endif %}', 'user.name'],
    ['{% for i in (1..2) %}{{ user.name }}{% endfor %}', 'user.name'],
    ['{% case 1 %}{% when 1 %}{{ user.name }}{% endcase %}', 'user.name'],
    ['{% capture it %}{{ user.name }}{% endcapture %}', 'user.name'],
    ['{% assign it = user.name %}{{ it }}', 'it'],
  ])('refuse the message with their name: %s', (text, name) => {
    const message = `text: ${name} has no value here, and the template gives no default`;
    for (const user of [{}, { name: null, attributes: {} }, undefined]) {
      expect(() => show(text, { user })).toThrow(
        expect.objectContaining({ message: expect.stringContaining(message) }) as Error,
      );
    }
    expect(show(text, {}, 'empty')).toMatch(/^\[!?\]$/);
  });

  it.each<[string, string]>([
    ['{{ user.name | default: "friend" }}', '[friend]'],
    ['{{ user.name | strip | default: "friend" | upcase }}', '[FRIEND]'],
    ['{% if user.name %}{{ user.name }}{% else %}friend{% endif %}', '[friend]'],
    ['{% if user.name == "Ada" %}A{% endif %}', '[]'],
    ['{% for item in user.attributes.items %}{{ item }}{% endfor %}', '[]'],
    ['{{ user.attributes.empty }}{{ user.attributes.zero }}{{ user.attributes.no }}', '[0false]'],
  ])('are no matter where the template provides for them: %s', (text, expected) => {
    expect(show(text, { user: { name: null, attributes: { empty: '', zero: 0, no: false } } })).toBe(expected);
  });
});

describe('faultsOfMarketing', () => {
  it('accepts a message that shows how to withdraw and who writes', () => {
    expect(faultsOfMarketing(parse(EMAIL))).toEqual([]);
    expect(faultsOfMarketing(parse({ ...EMAIL, text: null }))).toEqual([]);
    expect(faultsOfMarketing(parse(SMS))).toEqual([]);
    expect(faultsOfMarketing(parse(PUSH))).toEqual([]);
  });

  it.each<[string, Partial<AuthoredEmail>, string[]]>([
    ['no link in the text', { text: '{{ company.address }}' }, ['text']],
    ['no link in the HTML', { html: '{{ company.address }}' }, ['html']],
    ['no link in the HTML of which the text is made', { html: '{{ company.address }}', text: null }, ['html']],
    ['no postal address', { html: '{{ unsubscribe_url }}', text: '{{ unsubscribe_url }}' }, ['html', 'text']],
    [
      'a link that only some get',
      { html: '{% if user.name %}{{ unsubscribe_url }}{% endif %}{{ company.address }}' },
      ['html'],
    ],
  ])('refuses an e-mail with %s', (_what, changes, paths) => {
    expect(faultsOfMarketing(parse({ ...EMAIL, ...changes })).map(({ path }) => path)).toEqual(paths);
  });

  it.each<[string, string, RegExp]>([
    ['no word to end it', '{{ company.name }}: news', /STOP/],
    ['the word in the middle of another', '{{ company.name }}: NONSTOP news', /STOP/],
    ['nobody who writes', 'News. STOP to end', /company\.name/],
    ['a sender whom only some see', '{% if user.name %}{{ company.name }}{% endif %} STOP', /company\.name/],
  ])('refuses a text message with %s', (_what, text, message) => {
    expect(faultsOfMarketing(parse({ channel: 'sms', text }))).toEqual([
      { path: 'text', message: expect.stringMatching(message) as string },
    ]);
  });
});

describe('a webhook', () => {
  const webhook = (body: string): AuthoredContent => ({ channel: 'webhook', endpoint: 'crm', body });
  const bodyOf = (source: string, context: object): unknown => {
    const content = render(webhook(source), context);
    return content.channel === 'webhook' ? JSON.parse(content.body) : null;
  };

  it('says every value as it is, whatever it is, and null for none', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
        const context = { user: { attributes: { value } } };
        expect(bodyOf('{"value": {{ user.attributes.value }}}', context)).toEqual(
          JSON.parse(JSON.stringify({ value })),
        );
      }),
    );
    expect(bodyOf('{"value": {{ user.name }}}', {})).toEqual({ value: null });
  });

  it('knows filters, loops and defaults, and writes no JSON into JSON', () => {
    const source = `{"a": [{% for each in user.attributes.list %}{{ each | upcase }}{% unless forloop.last %},{% endunless %}{% endfor %}],
      "b": {{ user.name | default: "friend" }}, "c": {{ user.attributes | json }}}`;
    expect(bodyOf(source, { user: { attributes: { list: ['x', '"'] } } })).toEqual({
      ...{ a: ['X', '"'], b: 'friend' },
      c: { list: ['x', '"'] },
    });
  });

  it.each(['{"a": "Hello {{ user.name }}"}', '{"a": {{ user.name }}', '{{ user.name }}'])(
    'is refused: %s',
    (source) => {
      expect(() => render(webhook(source), { user: { name: 'Ada' } })).toThrow(RenderError);
      expect(faultsOfJson(parse(webhook(source)))).toMatchObject([{ path: 'body' }]);
    },
  );

  it('must show how to withdraw, where it needs consent', () => {
    expect(faultsOfMarketing(parse(webhook('{"a": 1}')))).toHaveLength(1);
    expect(faultsOfMarketing(parse(webhook('{"a": {{ unsubscribe_url }}}')))).toEqual([]);
  });
});

describe('an entry of an inbox', () => {
  it('is plain text, with a gap where link or picture are empty for this person', () => {
    const link = '{{ user.attributes.link }}';
    const entry = {
      channel: 'in_app',
      title: '{{ user.name }}',
      body: 'a',
      link,
      image: link,
      expiresInHours: 5,
    } as const;
    expect(render(entry, { user: { name: '<b>' } })).toEqual({ ...entry, title: '<b>', link: null, image: null });
  });
});
