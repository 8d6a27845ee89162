import { BadRequestException, Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Log } from '../observability/log.js';
import { newId } from '../random/ids.js';
import { allowedMethods } from './route-table.js';
import { toProblem, type Problem } from './problem.js';

const HEADERS_OF = Symbol('HEADERS_OF');

/** Gives an exception headers for its answer, e.g. `WWW-Authenticate`. */
export function withHeaders<E extends HttpException>(error: E, headers: Readonly<Record<string, string>>): E {
  return Object.assign(error, { [HEADERS_OF]: headers });
}

/** Answers everything that is thrown with `application/problem+json`; a bug is logged under the id that the caller gets. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const path = pathOf(request);
    const errorId = newId();
    const problem = this.refuseMethod(request, path, reply) ?? toProblem(causeOf(error, request), { path, errorId });
    if (problem.status >= 500) this.log.error('request failed', { errorId, requestId: request.id, error });
    void reply.headers({ ...headersOf(error), ...(problem.status === 503 ? { 'retry-after': '1' } : {}) });
    void sendProblem(reply, problem);
  }

  /** An unknown route whose path is known under other methods is a wrong method. */
  private refuseMethod(request: FastifyRequest, path: string, reply: FastifyReply): Problem | null {
    if (!request.is404) return null;
    const methods = allowedMethods(request.server, path);
    if (methods.length === 0) return null;
    void reply.header('allow', methods.join(', '));
    const detail = `this path knows ${methods.join(', ')}`;
    return {
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail,
      instance: path,
      code: 'METHOD_NOT_ALLOWED',
    };
  }
}

/** A request that breaks off looks like a lost connection of ours; nobody is there any more to be answered. */
function causeOf(error: unknown, request: FastifyRequest): unknown {
  return request.raw.readableAborted ? new BadRequestException({ detail: 'the request broke off' }) : error;
}

/** The path that was asked for; its query may hold personal data and goes nowhere. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
}

function headersOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof HttpException) || !(HEADERS_OF in error)) return {};
  return error[HEADERS_OF] as Readonly<Record<string, string>>;
}
