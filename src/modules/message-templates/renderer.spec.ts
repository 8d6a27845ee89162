import { faultsOfMarketing } from './content-rules.js';
import { parseContent, renderContent, RenderError, type MessageContent, type ParsedContent } from './renderer.js';

const CONTENT: MessageContent = {
  subject: 'Hello {{ user.name | default: "friend" }}',
  html: '<p>Hello {{ user.name }}</p><a href="{{ unsubscribe_url }}">out</a> {{ company.address }}',
  text: 'Hello {{ user.name }}\n{{ unsubscribe_url }}\n{{ company.address }}',
};

function parsed(changes: Partial<MessageContent> = {}): ParsedContent {
  const result = parseContent({ ...CONTENT, ...changes });
  if (result.kind === 'faults') throw new Error(JSON.stringify(result.faults));
  return result.content;
}

describe('parseContent', () => {
  it.each<[string, Partial<MessageContent>, string, RegExp]>([
    ['an open output', { html: 'a\nb {{ user.name' }, 'html', /line:2, col:3/],
    ['an open tag', { text: '{% if user.name %}' }, 'text', /not closed/],
    ['an unknown tag', { html: '{% nonsense %}' }, 'html', /nonsense/],
    ['an unknown filter', { subject: '{{ user.name | nonsense }}' }, 'subject', /undefined filter: nonsense/],
    ['another file', { html: '{% include "/etc/passwd" %}' }, 'html', /tag "include" not found/],
    ['another template', { html: '{% render "x" %}' }, 'html', /tag "render" not found/],
    ['a layout', { html: '{% layout "x" %}' }, 'html', /tag "layout" not found/],
    ['raw output', { html: '{{ user.name | raw }}' }, 'html', /undefined filter: raw/],
    ['a name that is mistyped', { html: '{{ usr.name }}' }, 'html', /"usr" is not known here/],
  ])('tells %s with part and place', (_what, changes, path, message) => {
    const result = parseContent({ ...CONTENT, ...changes });
    expect(result).toMatchObject({
      kind: 'faults',
      faults: [{ path, message: expect.stringMatching(message) as string }],
    });
  });

  it('tells the faults of all parts at once', () => {
    const result = parseContent({ subject: '{{', html: '{{', text: '{{' });
    expect(result.kind === 'faults' && result.faults.map(({ path }) => path)).toEqual(['subject', 'html', 'text']);
  });

  it('knows names that the template itself assigns', () => {
    expect(
      parseContent({
        ...CONTENT,
        text: '{% assign n = user.name %}{% for x in user.items %}{{ n }}{{ x }}{% endfor %}',
      }).kind,
    ).toBe('parsed');
  });
});

describe('renderContent', () => {
  const hostile = `<img src=x onerror="alert(1)"> & 'quoted' {{ 7 | times: 7 }} {% raw %}`;

  it('makes hostile text harmless in HTML and leaves it verbatim elsewhere', () => {
    const { subject, html, text } = renderContent(parsed(), { user: { name: hostile } });
    expect(html).toContain('&lt;img src=x onerror=&#34;alert(1)&#34;&gt; &amp; &#39;quoted&#39; {{ 7 | times: 7 }}');
    expect(html).not.toContain('<img');
    expect(subject).toBe(`Hello ${hostile}`);
    expect(text).toContain(hostile);
  });

  it('escapes a value in an attribute so that it cannot leave it', () => {
    const content = parsed({ html: '<a title="{{ user.name }}">x</a>' });
    expect(renderContent(content, { user: { name: '" onclick="x' } }).html).toBe(
      '<a title="&#34; onclick=&#34;x">x</a>',
    );
  });

  it('shows nothing for a missing value, and the default where there is one', () => {
    expect(renderContent(parsed(), {})).toMatchObject({ subject: 'Hello friend', text: 'Hello \n\n' });
  });

  it.each(['a\r\nBcc: b@example.com', 'a\nb', 'a\u0000b', 'a\u0085b'])(
    'refuses a line break or control character in the subject: %j',
    (name) => {
      expect(() => renderContent(parsed(), { user: { name } })).toThrow(RenderError);
    },
  );

  it('refuses an empty and an endless subject', () => {
    expect(() => renderContent(parsed({ subject: '{{ user.name }}' }), {})).toThrow(/empty/);
    expect(() => renderContent(parsed(), { user: { name: 'x'.repeat(1_000) } })).toThrow(/too long/);
  });

  it('does not reach properties that are not data', () => {
    const content = parsed({ text: '[{{ user.constructor }}{{ user.__proto__ }}{{ user.name.constructor }}]' });
    expect(renderContent(content, { user: { name: 'a' } }).text).toBe('[]');
  });

  it('gives up a template that takes too long or grows too large', () => {
    const loop = '{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}{% endfor %}';
    expect(() => renderContent(parsed({ text: loop }), {})).toThrow(RenderError);
  });
});

describe('faultsOfMarketing', () => {
  it('accepts a message that shows how to withdraw and who writes, in both parts', () => {
    expect(faultsOfMarketing(parsed())).toEqual([]);
  });

  it.each<[string, Partial<MessageContent>, string[]]>([
    ['no link in the text', { text: '{{ company.address }}' }, ['text']],
    ['no link in the HTML', { html: '{{ company.address }}' }, ['html']],
    ['no postal address', { html: '{{ unsubscribe_url }}', text: '{{ unsubscribe_url }}' }, ['html', 'text']],
    [
      'a link that only some get',
      { html: '{% if user.name %}{{ unsubscribe_url }}{% endif %}{{ company.address }}' },
      ['html'],
    ],
  ])('refuses %s', (_what, changes, paths) => {
    expect(faultsOfMarketing(parsed(changes)).map(({ path }) => path)).toEqual(paths);
  });
});
