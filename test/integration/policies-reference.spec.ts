import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const PAGE = 'docs/reference/policies.md';
const examples = [...readFileSync(PAGE, 'utf8').matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
  ([, text = '']) => JSON.parse(text) as { readonly kind: string },
);

describe(PAGE, () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  it('shows an example of every kind that the API knows', async () => {
    const document = (await api.get('/docs-json')).body as {
      components: { schemas: { Policy: { properties: { kind: { enum: string[] } } } } };
    };
    const kinds = document.components.schemas.Policy.properties.kind.enum;
    expect([...new Set(examples.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
  });

  it.each(examples.map((definition, index) => ({ name: `${index + 1}, ${definition.kind}`, definition })))(
    'example $name, is accepted as it stands',
    async ({ name, definition }) => {
      const key = `example_${name.replaceAll(/\W+/g, '_')}`;
      expect(await api.post('/api/policies', { key, definition })).toMatchObject({
        status: 201,
        body: { kind: definition.kind, definition },
      });
    },
  );
});
