import { readFileSync } from 'node:fs';
import { isShown, requestsOf, type PageRequest } from '../support/page-requests.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
/** How long a GET may be asked again until it answers what the page shows. */
const SHOWN_MS_MAX = 120_000;
const page = readFileSync(new URL('../../docs/tutorials/first-journey.md', import.meta.url), 'utf8');

interface Identified {
  readonly id?: string;
  readonly data?: readonly { readonly id: string }[];
}

/** Which placeholder of the page stands for the id in the answer to a request. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/\/simulate$/, 'simulation'],
  [/\/enroll$/, 'run'],
  [/^\/api\/runs\?user_id=ext:ada/, 'run'],
  [/^\/api\/decisions\?/, 'decision'],
  [/\/migrations$/, 'migration'],
];

describe('docs/tutorials/first-journey.md', () => {
  let tactful: Tactful;
  let baseUrl = '';
  beforeAll(async () => {
    tactful = await startTactful();
    await tactful.app.listen(0, '127.0.0.1');
    baseUrl = await tactful.app.getUrl();
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function send({ method, headers, body }: PageRequest, path: string) {
    const response = await fetch(`${baseUrl}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { isOk: response.ok, answer: (isJson ? JSON.parse(text) : text) as unknown };
  }

  it(
    'shows requests that work as they stand, and answers as they are',
    async () => {
      const ids = new Map<string, string>();
      const requests = requestsOf(page);
      expect(requests).toHaveLength(34);
      for (const request of requests) {
        const path = request.path.replace(/<(\w+)>/, (_, name: string) => ids.get(name) ?? name);
        const endsAt = performance.now() + SHOWN_MS_MAX;
        const { isOk, answer } = await until(
          () => send(request, path),
          (got) =>
            request.method !== 'GET' ||
            request.shows === undefined ||
            isShown(request.shows, got.answer) ||
            performance.now() > endsAt,
        );
        const seen = request.shows === undefined || isShown(request.shows, answer);
        const facts = { path, shows: request.shows, answer };
        expect({ ...facts, isOk, seen }).toEqual({ ...facts, isOk: true, seen: true });
        const [, name] = PLACEHOLDERS.find(([pattern]) => pattern.test(request.path)) ?? [];
        const { id, data } = answer as Identified;
        if (name !== undefined) ids.set(name, id ?? data?.[0]?.id ?? '');
      }
      const subjects = (await tactful.smtp.mailsTo('ada@example.com')).map(({ subject }) => subject);
      expect(subjects.toSorted()).toEqual([
        expect.stringMatching(/^(Invite your team|Bring your data)$/),
        'May we help?',
      ]);
    },
    10 * MINUTE_MS,
  );
});
