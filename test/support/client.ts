import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** One answer of the API, as specs look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed, where it is JSON; else the text. */
  readonly body: never;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Calls routes of a test app with JSON. */
export function clientOf(app: NestFastifyApplication, headers: Readonly<Record<string, string>> = {}) {
  async function call(
    method: Method,
    url: string,
    payload?: object,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await app.inject({
      method,
      url,
      headers: { ...headers, ...more },
      ...(payload === undefined ? {} : { payload }),
    });
    const isJson = /[/+]json/.test(String(response.headers['content-type'] ?? ''));
    return {
      status: response.statusCode,
      headers: response.headers,
      body: (isJson ? response.json() : response.body) as never,
    };
  }
  return {
    get: (url: string) => call('GET', url),
    post: (url: string, payload: object, more?: Readonly<Record<string, string>>) => call('POST', url, payload, more),
    put: (url: string, payload: object) => call('PUT', url, payload),
    patch: (url: string, payload: object) => call('PATCH', url, payload),
    remove: (url: string) => call('DELETE', url),
    /** Makes a user and answers its id. */
    async user(profile: object = {}): Promise<string> {
      users += 1;
      const { status, body } = await call('POST', '/api/users', { external_id: `spec-${users}`, ...profile });
      if (status !== 201) throw new Error(`no user: ${status} ${JSON.stringify(body)}`);
      return (body as { id: string }).id;
    },
  };
}

let users = 0;

export type Client = ReturnType<typeof clientOf>;
