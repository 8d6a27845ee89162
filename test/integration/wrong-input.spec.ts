import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';

/** The part of an OpenAPI document that tells how to call each route. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly fields: readonly string[] | null;
}
interface WrongRequest {
  readonly what: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
}

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const TEN_MEGABYTES = 10 * 1_048_576;
const JSON_HEADERS = { 'content-type': 'application/json' };
const FORM_ROUTE = /^\/(unsubscribe|confirm|preferences|l|o)\//;
/** Their caller is a person, by a token of theirs. */
const PERSON_ROUTE = /^\/inbox(\/|$)/;
const NO_INPUT = new Set(['/api/health', '/api/ready', '/metrics']);

const WRONG_BODIES: readonly (readonly [string, string])[] = [
  ['null', 'null'],
  ['an array', '[]'],
  ['a text', '"text"'],
  ['a number', '5'],
  ['nothing in it', '{}'],
  ['an unknown key', '{"nonsense": 1}'],
  ['malformed JSON', '{"name": '],
  ['a key __proto__', '{"__proto__": {"isAdmin": true}}'],
  ['a NUL', '{"nonsense": "a\\u0000b"}'],
  ['half a surrogate pair', '{"nonsense": "\\ud800"}'],
  ['a body nested 10,000 levels deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ['a number beyond all numbers', '{"nonsense": 1e999}'],
];
const WRONG_VALUES: readonly string[] = [
  'null',
  '5',
  '1e400',
  '-1e308',
  'true',
  '""',
  '"\\u0000"',
  '"\\n"',
  '[]',
  '{}',
  '[[]]',
  '"\\ud800"',
];

/** What the tables below hold by chance, and is right. */
const RIGHT = new Set(['PUT /api/controls, kill_switch = true']);

/** Unknown, so that even an input that is right by chance finds nothing. */
const url = (path: string, value = UNKNOWN_ID): string => path.replaceAll(/\{[^}]+\}/g, encodeURIComponent(value));

describe('wrong input to every endpoint', () => {
  let app: NestFastifyApplication;
  let routes: readonly Route[];
  let personHeaders: Readonly<Record<string, string>>;

  beforeAll(async () => {
    app = await createTestApp();
    const { id } = (
      await app.inject({ method: 'POST', url: '/api/users', payload: { external_id: 'inbox-owner' } })
    ).json<{ id: string }>();
    const url = `/api/users/${id}/inbox-token`;
    const { token } = (await app.inject({ method: 'POST', url, payload: {} })).json<{ token: string }>();
    personHeaders = { authorization: `Bearer ${token}` };
    routes = readRoutes((await app.inject({ url: '/docs-json' })).json<Document>());
  });
  afterAll(async () => {
    await app.close();
  });

  /** Sends everything, then reports everything that was not refused as it should be. */
  async function refusals(requestsOf: (route: Route) => readonly WrongRequest[], statuses: readonly number[]) {
    const before = await rowCounts(app);
    const wrong: string[] = [];
    let sent = 0;
    for (const route of routes) {
      for (const { what, ...request } of requestsOf(route)) {
        if (RIGHT.has(`${route.method} ${route.path}, ${what}`)) continue;
        sent += 1;
        const own = PERSON_ROUTE.test(route.path) ? personHeaders : {};
        const headers = { ...request.headers, ...own };
        const response = await app.inject({ method: route.method as 'GET', ...request, headers });
        const type = response.headers['content-type'] ?? '';
        const isProblem = String(type).startsWith('application/problem+json') || FORM_ROUTE.test(route.path);
        if (statuses.includes(response.statusCode) && isProblem) continue;
        wrong.push(
          `${route.method} ${route.path}, ${what}: ${response.statusCode} ${type} ${response.body.slice(0, 200)}`,
        );
      }
    }
    expect(wrong).toEqual([]);
    expect(sent).toBeGreaterThan(0);
    expect(await rowCounts(app)).toEqual(before);
  }

  const REFUSED = [400, 404, 409, 410, 413, 415, 422];
  const takesBody = (route: Route): boolean => route.fields !== null;

  it('knows every endpoint', () => {
    expect(routes.length).toBeGreaterThan(30);
  });

  it('refuses bodies of the wrong kind', async () => {
    await refusals((route) => {
      if (!takesBody(route)) return [];
      const withBody = WRONG_BODIES.map(([what, payload]) => ({
        what,
        payload,
        headers: JSON_HEADERS,
        url: url(route.path),
      }));
      return [{ what: 'no body', url: url(route.path) }, ...withBody];
    }, REFUSED);
  }, 120_000);

  it('refuses a wrong value in each field by itself', async () => {
    await refusals((route) => {
      return (route.fields ?? []).flatMap((field) =>
        WRONG_VALUES.map((value) => ({
          what: `${field} = ${value}`,
          url: url(route.path),
          headers: JSON_HEADERS,
          payload: `{${JSON.stringify(field)}: ${value}}`,
        })),
      );
    }, REFUSED);
  }, 120_000);

  it('refuses 10 MB with 413', async () => {
    const payload = JSON.stringify({ name: 'a'.repeat(TEN_MEGABYTES) });
    await refusals(
      (route) => (takesBody(route) ? [{ what: '10 MB', payload, headers: JSON_HEADERS, url: url(route.path) }] : []),
      [413],
    );
  }, 120_000);

  it('refuses every content type but JSON with 415', async () => {
    const types = [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonx',
      'nonsense',
    ];
    await refusals(
      (route) => {
        if (!takesBody(route)) return [];
        return types.map((type) => ({
          what: type,
          payload: '{}',
          headers: { 'content-type': type },
          url: url(route.path),
        }));
      },
      [415],
    );
  });

  it('refuses malformed and unknown ids in the path', async () => {
    const malformed = [
      'x'.repeat(2_000),
      "'; drop table users; --",
      '\u0000',
      '%',
      '../../etc/passwd',
      'ext:',
      'ext:\n',
    ];
    await refusals(
      (route) => {
        if (!route.path.includes('{')) return [];
        return [...malformed, UNKNOWN_ID, 'ext:nobody'].map((value) => ({
          what: `path ${JSON.stringify(value.slice(0, 30))}`,
          url: url(route.path, value),
        }));
      },
      [...REFUSED, 414],
    );
  });

  it('refuses an address that cannot be decoded', async () => {
    await refusals((route) => [{ what: 'bad percent-encoding', url: `${url(route.path)}%ff%` }], REFUSED);
  });

  it('refuses wrong queries', async () => {
    await refusals((route) => {
      if (route.method !== 'GET' || NO_INPUT.has(route.path) || route.query.length === 0) return [];
      const base = url(route.path);
      const each = route.query.flatMap((name) =>
        ['%00', `${'x'.repeat(3_000)}`, '&'].map((value) => `${name}=${value}`),
      );
      const wrong = [
        'limit=0',
        'limit=201',
        'limit=abc',
        'limit=1e2',
        'limit=1&limit=2',
        'cursor=nonsense',
        'nonsense=1',
        ...each,
      ];
      return wrong
        .filter((query) => query.startsWith('nonsense') || route.query.includes(query.split('=')[0] ?? ''))
        .map((query) => ({ what: `?${query.slice(0, 30)}`, url: `${base}?${query}` }));
    }, REFUSED);
  });

  it('refuses wrong Idempotency-Keys', async () => {
    await refusals((route) => {
      if (route.method !== 'POST' || FORM_ROUTE.test(route.path) || PERSON_ROUTE.test(route.path)) return [];
      return ['', ' ', 'é', 'x'.repeat(256)].map((key) => ({
        what: `key ${JSON.stringify(key.slice(0, 10))}`,
        url: url(route.path),
        headers: { ...JSON_HEADERS, 'idempotency-key': key },
        payload: '{}',
      }));
    }, REFUSED);
  });
});

function readRoutes(document: Document): readonly Route[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]) => {
      const schema = requestBody?.content['application/json']?.schema;
      return {
        method: method.toUpperCase(),
        path,
        query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
        fields: schema === undefined || FORM_ROUTE.test(path) ? null : fieldsOf(document, schema),
      };
    }),
  );
}

function fieldsOf(document: Document, schema: Schema): readonly string[] {
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) return fieldsOf(document, document.components.schemas[name] ?? {});
  const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((each) => fieldsOf(document, each));
  return [...new Set([...Object.keys(schema.properties ?? {}), ...alternatives])];
}

async function rowCounts(app: NestFastifyApplication): Promise<unknown> {
  const database = app.get(Database);
  const tables = await database.query<{ name: string }>({
    text: `select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  });
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as rows from "${name}"`);
  return database.query({ text: counts.join(' union all ') });
}
