import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isOurs = (file: string): boolean => !/(^|\/)(node_modules|dist|\.cache|\.data|coverage)\//.test(file);
const pages = globSync('**/*.md', { cwd: root, exclude: (name) => name === 'node_modules' })
  .filter(isOurs)
  .sort();
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

const read = (page: string): string => readFileSync(path.join(root, page), 'utf8');

/** Text outside code: what looks like a link in an example is none. */
const prose = (page: string): string =>
  read(page)
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
    .replace(/`[^`\n]*`/g, '');

/** Names under which GitHub lets one jump to the headings of a page. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = read(page).replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks(page: string): readonly string[] {
  const links = [...prose(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link);
  return links.flatMap((link) => {
    if (/^[a-z]+:/i.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : path.join(path.dirname(page), decodeURIComponent(file));
    if (!existsSync(path.join(root, target))) return [`${page} -> ${link}`];
    return anchor === undefined || anchorsOf(target).has(anchor) ? [] : [`${page} -> ${link} (no such heading)`];
  });
}

describe('documents', () => {
  it('are found', () => {
    expect(pages).toContain('README.md');
    expect(pages.filter((page) => page.startsWith('docs/')).length).toBeGreaterThan(10);
  });

  it('link to files and headings that exist', () => {
    expect(pages.flatMap(brokenLinks)).toEqual([]);
  });

  it('name only scripts that package.json has', () => {
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z][\w:-]*)/g)].flatMap(([, script = '']) =>
        script in scripts ? [] : [`${page}: npm run ${script}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  it('name only files of the project that exist', () => {
    const folders = 'src|workflows|activities|test|tools|docs|examples|data';
    const pattern = new RegExp(`\`((?:${folders})/[\\w./@-]+)\``, 'g');
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(pattern)].flatMap(([, file = '']) =>
        existsSync(path.join(root, file)) ? [] : [`${page}: ${file}`],
      ),
    );
    expect(missing).toEqual([]);
  });

  it('begin with a heading', () => {
    expect(pages.filter((page) => !/^# \S/.test(read(page)))).toEqual([]);
  });

  it('say first what a reader can do after the page', () => {
    const guides = pages.filter((page) => /^docs\/(?!decisions\/)/.test(page));
    expect(guides.filter((page) => !/^# .+\n\nAfter this page you/.test(read(page)))).toEqual([]);
  });
});
