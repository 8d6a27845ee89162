import { compileMjml } from './mjml.js';

const page = (column: string, head = ''): string =>
  `<mjml>\n<mj-head>${head}</mj-head>\n<mj-body>\n<mj-section><mj-column>\n${column}\n</mj-column></mj-section>\n</mj-body>\n</mjml>`;
const TEXT = '<mj-text>Hello {{ user.name | default: "friend" }}{% if user.plan == \'pro\' %}!{% endif %}</mj-text>';

async function faults(source: string): Promise<readonly string[]> {
  const result = await compileMjml(source);
  return result.kind === 'faults' ? result.faults : [];
}

// Each compilation loads the compiler anew, in a thread of its own.
describe('compileMjml', () => {
  it('makes HTML in which Liquid still stands, in text, attributes, head and mj-raw', async () => {
    const button = '<mj-button href="{{ unsubscribe_url }}">Out</mj-button>';
    const raw = `<mj-raw>{% if user.name %}</mj-raw>${button}<mj-raw>{% endif %}</mj-raw>`;
    const preview = '<mj-preview>For {{ user.name }}</mj-preview>';
    const result = await compileMjml(page(`${TEXT}${raw}<!-- {{ user.note }} -->`, preview));
    if (result.kind === 'faults') throw new Error(result.faults.join());
    expect(result.html).toMatch(/^\s*<!doctype html>/i);
    expect(result.html).toContain('Hello {{ user.name | default: "friend" }}{% if user.plan == \'pro\' %}!{% endif %}');
    expect(result.html).toContain('href="{{ unsubscribe_url }}"');
    expect(result.html).toContain('For {{ user.name }}');
    expect(result.html).toMatch(/\{% if user\.name %\}[^]*Out[^]*\{% endif %\}/);
    expect(result.html).not.toContain('mj-button');
  }, 120_000);

  it('refuses elements and attributes that do not exist, or not there, with their lines', async () => {
    expect(await faults(page('<mj-nonsense />\n<mj-text colour="red">x</mj-text>\n<mj-body></mj-body>'))).toEqual([
      expect.stringMatching(/^Line 5: .*mj-nonsense/),
      expect.stringMatching(/^Line 6: .*colour/),
      expect.stringMatching(/^Line 7: .*mj-body/),
    ]);
    expect(await faults('no MJML at all')).toEqual([expect.stringMatching(/mjml/i)]);
  }, 120_000);

  it('refuses Liquid that cannot be read, with the line in the source', async () => {
    expect(await faults(page('<mj-text>\n{{ user.name</mj-text>'))).toEqual([expect.stringContaining('line:6, col:1')]);
    expect(await faults(page('<mj-text>{{ usr.name }}</mj-text>'))).toEqual([expect.stringContaining('"usr"')]);
  });

  it('refuses Liquid between elements, which the compiler drops without a word', async () => {
    expect(await faults(page(`{% if user.plan %}\n${TEXT}\n{% endif %}`))).toEqual([
      expect.stringMatching(/^Line 5: \{% if user\.plan %\} would be lost.*mj-raw/),
      expect.stringMatching(/^Line 6 or 7: \{% endif %\} would be lost/),
    ]);
  }, 120_000);

  it('refuses what would become too long to be parsed at every start', async () => {
    expect(await faults(page('<mj-text>x</mj-text>\n'.repeat(2_000)))).toEqual([
      expect.stringMatching(/more than 400000 characters/),
    ]);
  }, 120_000);

  it('compiles several, whoever comes first', async () => {
    const results = await Promise.all([page(TEXT), page('<mj-nonsense />'), page(TEXT)].map(compileMjml));
    expect(results.map(({ kind }) => kind)).toEqual(['html', 'faults', 'html']);
  }, 120_000);

  it('reads no other file', async () => {
    for (const include of ['<mj-include path="/etc/passwd" />', '<MJ-INCLUDE path="./a.css" type="css" />']) {
      expect(await faults(page(`${TEXT}${include}`))).toEqual([expect.stringContaining('mj-include')]);
    }
  });
});
