import { readFileSync } from 'node:fs';
import { createApi } from '../../tools/demo/api.js';
import { seedExample } from '../../tools/demo/examples.js';
import { requestsOf } from '../support/page-requests.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('README', () => {
  let tactful: Tactful;
  let baseUrl = '';
  beforeAll(async () => {
    tactful = await startTactful();
    await tactful.app.listen(0, '127.0.0.1');
    baseUrl = await tactful.app.getUrl();
    await seedExample(createApi(baseUrl, null), 'welcome');
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  it('shows requests that work as they stand, down to the mail in the inbox', async () => {
    const examples = requestsOf(readme);
    expect(examples.map(({ path }) => path)).toEqual([
      '/api/users',
      '/api/consents',
      '/api/events',
      '/api/decisions/next-best-action',
      '/api/journeys/<id>/enroll',
    ]);
    let id = '<id>';
    for (const { method, path, headers, body } of examples) {
      const response = await fetch(`${baseUrl}${path.replace('<id>', id)}`, {
        method,
        headers,
        body: body?.replace('<id>', id) ?? null,
      });
      const answer = (await response.json()) as { id: string };
      expect([path, response.status]).toEqual([path, 201]);
      if (path === '/api/users') ({ id } = answer);
    }
    const [mail] = await until(
      () => tactful.smtp.mailsTo('jane@example.com'),
      (mails) => mails.length > 0,
    );
    expect(mail?.subject).toMatch(/^Welcome/);
  });
});
