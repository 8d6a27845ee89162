import { HttpException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf, sendProblem } from './problem.filter.js';
import { toProblem } from './problem.js';

const REQUEST_TIMEOUT = 408;

/**
 * A body must be here within `msMax` of its headers: nobody can hold a connection by sending a byte now and then. A route
 * that takes lines has as long as the whole server allows, until it has answered; the rest must come within `msMax` too.
 */
export function limitBodyTime(server: FastifyInstance, msMax: number): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request)) watch(request, reply, msMax);
    done();
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function watch(request: FastifyRequest, reply: FastifyReply, msMax: number): void {
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer = setTimeout(() => giveUp(request, reply), msMax);
    timer.unref();
  };
  for (const event of ['end', 'close']) request.raw.once(event, () => clearTimeout(timer));
  if (request.routeOptions.config.takesLines !== true) start();
  else reply.raw.once('finish', () => !request.raw.readableEnded && start());
}

function giveUp(request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) {
    request.raw.destroy();
    return;
  }
  const error = new HttpException({ detail: 'the body did not come in time' }, REQUEST_TIMEOUT);
  void sendProblem(reply.header('connection', 'close'), toProblem(error, { path: pathOf(request), errorId: '' }));
}
