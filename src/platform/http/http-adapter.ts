import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { readBodies } from './body.js';
import { recordRoutes } from './route-table.js';

/** Longest segment of a path: an unsubscribe token or an external id in percent-encoding. */
const PATH_PART_CHARACTERS_MAX = 1_024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
const REQUEST_MS_MAX = 60_000;

/** The server under Nest. Pass `bodyParser: false` to Nest: the parsers here are the only ones. */
export function createHttpAdapter(options: { readonly bodyLimitBytes: number }): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_MS_MAX,
    routerOptions: { maxParamLength: PATH_PART_CHARACTERS_MAX },
    genReqId: requestId,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const status = error.statusCode ?? 400;
      const title = status === 414 ? 'URI Too Long' : 'Bad Request';
      const code = status === 414 ? 'URL_TOO_LONG' : 'INVALID_INPUT';
      const body = { type: 'about:blank', title, status, detail: 'the address cannot be read', code };
      void reply.code(status).header('x-request-id', request.id);
      void reply.type('application/problem+json; charset=utf-8').send(JSON.stringify(body));
    },
  });
  const server = adapter.getInstance();
  recordRoutes(server);
  readBodies(server);
  return adapter;
}

/** The caller's own id for the request where it is printable, so that both logs can be read side by side. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}
