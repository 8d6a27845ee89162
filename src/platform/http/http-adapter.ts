import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { limitBodyTime } from './body-time.js';
import { readBodies } from './body.js';
import { sendProblem } from './problem.filter.js';
import { toProblem } from './problem.js';
import { recordRoutes } from './route-table.js';

/** Longest segment of a path: an unsubscribe token or an external id in percent-encoding. */
const PATH_PART_CHARACTERS_MAX = 1_024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
/** For a request that is read as it comes, line by line, no faster than the database stores what it says. */
const REQUEST_MS_MAX = 60 * 60_000;
/** For all others. */
const BODY_MS_MAX = 60_000;

/** The server under Nest. Pass `bodyParser: false` to Nest: the parsers here are the only ones. */
export function createHttpAdapter(options: { readonly bodyLimitBytes: number }): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_MS_MAX,
    routerOptions: { maxParamLength: PATH_PART_CHARACTERS_MAX },
    genReqId: requestId,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(unreadable(error.statusCode), { path: '', errorId: request.id });
      void sendProblem(reply.header('x-request-id', request.id), problem);
    },
    clientErrorHandler: refuseGarbage,
  });
  const server = adapter.getInstance();
  recordRoutes(server);
  readBodies(server);
  limitBodyTime(server, BODY_MS_MAX);
  return adapter;
}

/** The caller's own id for the request where it is printable, so that both logs can be read side by side. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** The request line or the path cannot be read. */
function unreadable(status = 400): HttpException {
  return new HttpException({ detail: 'the address cannot be read' }, status);
}

/** What came in is no HTTP, or has headers without end: there is no request yet that could be answered. */
function refuseGarbage(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const problem = toProblem(new HttpException({ detail: 'this is no HTTP request' }, status), {
    path: '',
    errorId: '',
  });
  const body = JSON.stringify(problem);
  const head = [`HTTP/1.1 ${status} ${problem.title}`, 'content-type: application/problem+json', 'connection: close'];
  socket.end([...head, `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
}
