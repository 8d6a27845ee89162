import { applyDecorators, HttpCode } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiOperation, ApiResponse, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

const DOCS_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

const ProblemView = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    code: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({
    id: 'Problem',
    example: {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'the body is not as expected',
      instance: '/api/users',
      code: 'INVALID_INPUT',
      errors: [{ path: 'email', message: 'Invalid email address' }],
    },
  });

/** What a route answers, for the documentation; also sets its status code. */
export interface Answer {
  readonly status: 200 | 201 | 202 | 204;
  readonly summary: string;
  readonly description?: string;
  /** Shape of the body; none for 204. */
  readonly body?: z.ZodType;
  /** Refusals beside those that every route has, e.g. `{ 409: 'the external id is taken' }`. */
  readonly refusals?: Readonly<Record<number, string>>;
}

const COMMON_REFUSALS = {
  400: 'malformed input, with the path of each fault',
  401: 'no valid key or token',
  403: 'the scope is missing',
  503: 'the database cannot answer now',
};

/** Documents one route and sets its status code. */
export function Answers({ status, summary, description, body, refusals }: Answer): MethodDecorator {
  const problems = Object.entries({ ...COMMON_REFUSALS, ...refusals }).map(([code, text]) =>
    ApiResponse({ status: Number(code), description: text, standardSchema: ProblemView }),
  );
  return applyDecorators(
    HttpCode(status),
    ApiOperation({ summary, ...(description === undefined ? {} : { description }) }),
    ApiResponse({ status, description: summary, ...(body === undefined ? {} : { standardSchema: body }) }),
    ...problems,
  );
}

/** Serves OpenAPI 3 as JSON at /docs-json and as pages at /docs. */
export function serveDocs(app: NestFastifyApplication): void {
  const settings = new DocumentBuilder()
    .setTitle('Tactful')
    .setDescription('Consent-first, durable journeys. Errors are `application/problem+json` (RFC 9457).')
    .setVersion('0.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'API key `tk_…` or operator token' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api_key')
    .build();
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onSend', async (request, reply) => {
    if (/^\/docs(\/|$|\?)/.test(request.url)) void reply.header('content-security-policy', DOCS_POLICY);
  });
  const make = (): OpenAPIObject => withProblemType(SwaggerModule.createDocument(app, settings));
  SwaggerModule.setup('docs', app, make, { jsonDocumentUrl: 'docs-json' });
}

/** Nest documents every body as plain JSON, or as what `ApiProduces` says of the route; refusals are problems. */
function withProblemType(document: OpenAPIObject): OpenAPIObject {
  const operations = Object.values(document.paths).flatMap(({ get, post, put, patch, delete: remove }) => [
    get,
    post,
    put,
    patch,
    remove,
  ]);
  for (const { responses } of operations.filter((operation) => operation !== undefined)) {
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) < 400 || response === undefined || !('content' in response)) continue;
      const [body] = Object.values(response.content ?? {});
      if (body !== undefined) response.content = { 'application/problem+json': body };
    }
  }
  return document;
}
