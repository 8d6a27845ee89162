import type { AuthoredContent, AuthoredEmail, AuthoredMessage } from './authored-content.js';
import { compileMjml } from './mjml.js';
import { parseMessage } from './parsed-templates.js';
import { parseContent, renderContent } from './renderer.js';

const OFFER = '{% promotional %}Buy {{ user.name | default: "now" }}{% endpromotional %}';
const EMAIL: AuthoredEmail = { channel: 'email', subject: 'a', html: '<p>a</p>', text: 'a', mjml: null };
const SMS = { channel: 'sms', text: 'a' } as const;
const PUSH = { channel: 'push', title: 'a', body: 'a', link: 'https://a.example' } as const;
const IN_APP = { ...PUSH, channel: 'in_app', image: 'https://a.example/a.png', expiresInHours: 1 } as const;
const WEBHOOK = { channel: 'webhook', endpoint: 'crm', body: '{}' } as const;
const COMPILE_MS_MAX = 120_000;

function promotionalIn(content: AuthoredContent, locales: AuthoredMessage['locales'] = {}): readonly string[] {
  const result = parseMessage({ missing: 'empty', content, locales });
  if (result.kind === 'faults') throw new Error(JSON.stringify(result.faults));
  return result.message.promotional;
}

function shown(text: string, user: object = {}): string {
  const result = parseContent({ channel: 'sms', text });
  if (result.kind === 'faults') throw new Error(JSON.stringify(result.faults));
  const content = renderContent(result.content, { context: { user }, missing: 'refuse' });
  return content.channel === 'sms' ? content.text : '';
}

describe('a promotional block', () => {
  it.each<[AuthoredContent, string]>([
    [{ ...EMAIL, subject: OFFER }, 'subject'],
    [{ ...EMAIL, html: `<p>a</p>${OFFER}` }, 'html'],
    [{ ...EMAIL, html: `<p>a</p>${OFFER}`, mjml: '<mjml>' }, 'mjml'],
    [{ ...EMAIL, text: OFFER }, 'text'],
    [{ ...SMS, text: OFFER }, 'text'],
    [{ ...PUSH, title: OFFER }, 'title'],
    [{ ...PUSH, body: OFFER }, 'body'],
    [{ ...PUSH, link: `https://a.example/${OFFER}` }, 'link'],
    [{ ...IN_APP, title: OFFER }, 'title'],
    [{ ...IN_APP, body: OFFER }, 'body'],
    [{ ...IN_APP, link: `https://a.example/${OFFER}` }, 'link'],
    [{ ...IN_APP, image: `https://a.example/${OFFER}` }, 'image'],
    [{ ...WEBHOOK, body: '{"a": 1{% promotional %}, "b": 2{% endpromotional %}}' }, 'body'],
  ])('is found in every part of every channel, and in every language: %j', (content, path) => {
    expect(promotionalIn(content)).toEqual([path]);
    const { channel } = content;
    const plain = [EMAIL, SMS, PUSH, IN_APP, WEBHOOK].filter((each) => each.channel === channel)[0] ?? EMAIL;
    expect(promotionalIn(plain)).toEqual([]);
    expect(promotionalIn(plain, { de: plain, 'pt-BR': content })).toEqual([`locales.pt-BR.${path}`]);
    expect(promotionalIn(content, { fr: content })).toEqual([path, `locales.fr.${path}`]);
  });

  it.each([
    `{% if user.name %}${OFFER}{% endif %}`,
    `{% if user.name %}a{% elsif user.city %}${OFFER}{% endif %}`,
    `{% if user.name %}a{% else %}${OFFER}{% endif %}`,
    `{% unless user.name %}${OFFER}{% endunless %}`,
    `{% unless user.name %}a{% else %}${OFFER}{% endunless %}`,
    `{% for each in user.items %}${OFFER}{% endfor %}`,
    `{% for each in user.items %}a{% else %}${OFFER}{% endfor %}`,
    `{% tablerow each in user.items %}${OFFER}{% endtablerow %}`,
    `{% case user.plan %}{% when "pro" %}${OFFER}{% endcase %}`,
    `{% case user.plan %}{% when "pro" %}a{% else %}${OFFER}{% endcase %}`,
    `{% capture offer %}${OFFER}{% endcapture %}{{ offer }}`,
    `{% if user.a %}{% for each in user.items %}{% unless each %}${OFFER}{% endunless %}{% endfor %}{% endif %}`,
    `{%- promotional -%}a{%- endpromotional -%}`,
    `{%promotional%}a{%endpromotional%}`,
    '{% liquid\n if user.a\n promotional\n echo "a"\n endpromotional\n endif %}',
    `{% if false %}${OFFER}{% endif %}`,
  ])('is found wherever it stands: %s', (text) => {
    expect(promotionalIn({ ...SMS, text })).toEqual(['text']);
  });

  it.each([
    'promotional endpromotional',
    '{{ "{% promotional %}" }}',
    '{% raw %}{% promotional %}a{% endpromotional %}{% endraw %}',
    '{% comment %}{% promotional %}a{% endpromotional %}{% endcomment %}',
    '{% # promotional %}',
    '{% if user.name == "promotional" %}a{% endif %}',
  ])('is a tag, and no word: %s', (text) => {
    expect(promotionalIn({ ...SMS, text })).toEqual([]);
  });

  it('shows what stands in it as if it stood there alone', () => {
    expect(shown(`[${OFFER}]`, { name: 'Ada' })).toBe('[Buy Ada]');
    expect(shown(`[ {%- promotional -%} a {%- endpromotional -%} ]`)).toBe('[a]');
    expect(shown('{% promotional %}{% assign n = 1 %}{% endpromotional %}{{ n }}')).toBe('1');
    const left = '{% for n in (1..9) %}{% promotional %}{{ n }}{% break %}{% endpromotional %}{% endfor %}';
    expect(shown(left)).toBe('1');
  });

  it('asks of what stands in it all that is asked elsewhere', () => {
    expect(() => shown('{% promotional %}{{ user.name }}{% endpromotional %}')).toThrow(/user\.name has no value/);
    const faultsOf = (text: string) => {
      const result = parseContent({ ...SMS, text });
      return result.kind === 'faults' ? result.faults.map(({ message }) => message).join() : '';
    };
    expect(faultsOf('{% promotional %}{{ usr.name }}{% endpromotional %}')).toMatch(/"usr" is not known here/);
    expect(faultsOf('a{% promotional %}b')).toMatch(/not closed/);
    expect(faultsOf('a{% endpromotional %}')).toMatch(/endpromotional/);
    expect(faultsOf('{% promotional user.name %}b{% endpromotional %}')).toMatch(/takes nothing/);
    const escaped = parseContent({ ...EMAIL, html: '{% promotional %}{{ user.name }}{% endpromotional %}' });
    if (escaped.kind === 'faults') throw new Error(JSON.stringify(escaped.faults));
    expect(renderContent(escaped.content, { context: { user: { name: '<b>' } }, missing: 'empty' })).toMatchObject({
      html: '&lt;b&gt;',
    });
  });

  const page = (column: string, { head = '', before = '', after = '' } = {}): string =>
    `<mjml><mj-head>${head}</mj-head><mj-body>${before}<mj-section><mj-column>${column}</mj-column></mj-section>${after}</mj-body></mjml>`;
  const [before, after] = ['<mj-raw>{% promotional %}</mj-raw>', '<mj-raw>{% endpromotional %}</mj-raw>'];
  const link = 'https://a.example/{% promotional %}sale{% endpromotional %}';

  it.each([
    ['mj-text', page(`<mj-text>Paid. ${OFFER}</mj-text>`)],
    ['an attribute', page(`<mj-button href="${link}">a</mj-button>`)],
    ['the preview line', page('<mj-text>Paid.</mj-text>', { head: `<mj-preview>${OFFER}</mj-preview>` })],
    ['mj-raw, under a condition', page(`<mj-raw>{% if user.name %}${OFFER}{% endif %}</mj-raw>`)],
    ['mj-raw, around elements', page(`${before}<mj-text>Buy</mj-text>${after}`)],
    ['mj-raw, around sections', page('<mj-text>Buy</mj-text>', { before, after })],
  ])(
    'stays where MJML is compiled: in %s',
    async (_place, mjml) => {
      const compiled = await compileMjml(mjml);
      if (compiled.kind === 'faults') throw new Error(compiled.faults.join());
      expect(promotionalIn({ ...EMAIL, html: compiled.html, mjml })).toEqual(['mjml']);
    },
    COMPILE_MS_MAX,
  );

  it(
    'is refused between the elements of MJML, where the compiler would drop it and keep what it speaks of',
    async () => {
      const { kind, ...rest } = await compileMjml(page('{% promotional %}<mj-text>Buy</mj-text>{% endpromotional %}'));
      expect(kind).toBe('faults');
      expect(JSON.stringify(rest)).toMatch(/\{% promotional %\} would be lost/);
    },
    COMPILE_MS_MAX,
  );
});
