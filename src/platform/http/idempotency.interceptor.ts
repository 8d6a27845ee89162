import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  GoneException,
  Injectable,
  SetMetadata,
  UnprocessableEntityException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, from, mergeMap, of, throwError, type Observable } from 'rxjs';
import { Log } from '../observability/log.js';
import { IdempotencyRepository, type RepeatableRequest } from './idempotency.repository.js';
import { principalOf } from './principal.js';

const KEY = /^[\x21-\x7e]{1,255}$/;
const PURGE_MS = 3_600_000;
const NOT_REPEATABLE = 'tactful:not-repeatable';

/** The answer of this route may not be stored, e.g. because it shows a secret: an Idempotency-Key is refused. */
export const NotRepeatable = (): MethodDecorator => SetMetadata(NOT_REPEATABLE, true);

/**
 * A POST that carries an `Idempotency-Key` is done once: the same request again gets the same answer, marked with
 * `Idempotency-Replayed: true`. Refused requests are not kept; nothing was done, so they may be corrected and sent again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor, OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly reflector: Reflector,
    private readonly log: Log,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    const principal = principalOf(request);
    if (request.method !== 'POST' || key === undefined || principal === null) return next.handle();
    if (this.reflector.get<boolean | undefined>(NOT_REPEATABLE, context.getHandler()) === true) {
      throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'this route takes no Idempotency-Key' });
    }
    const repeatable = toRepeatable(request, key, principal.name);
    return this.once(repeatable, http.getResponse<FastifyReply>(), next);
  }

  private async once(request: RepeatableRequest, reply: FastifyReply, next: CallHandler): Promise<Observable<unknown>> {
    const reservation = await this.repository.reserve(request);
    switch (reservation.kind) {
      case 'first':
        return next.handle().pipe(
          mergeMap((body: unknown) => from(this.keep(request, reply, body))),
          catchError((error: unknown) => from(this.release(request)).pipe(mergeMap(() => throwError(() => error)))),
        );
      case 'in_progress':
        throw new ConflictException({
          code: 'REQUEST_IN_PROGRESS',
          detail: 'the first request with this key still runs',
        });
      case 'other_request':
        throw new UnprocessableEntityException({
          code: 'IDEMPOTENCY_KEY_REUSED',
          detail: 'this Idempotency-Key belongs to a request with another address or body',
        });
      case 'answered':
        if (reservation.status === 410) {
          throw new GoneException({ code: 'USER_ERASED', detail: 'the user whom this request was about was erased' });
        }
        void reply.code(reservation.status).header('idempotency-replayed', 'true');
        return of(reservation.body ?? undefined);
    }
  }

  private async keep(request: RepeatableRequest, reply: FastifyReply, body: unknown): Promise<unknown> {
    try {
      await this.repository.store(request, { status: reply.statusCode, body });
    } catch (error) {
      // What was asked is done: to answer with an error now would invite a repetition.
      this.log.error('answer of a repeatable request not stored', { error });
    }
    return body;
  }

  private async release(request: RepeatableRequest): Promise<void> {
    await this.repository.release(request).catch((error: unknown) => {
      this.log.error('Idempotency-Key not released', { error });
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.purge(), PURGE_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async purge(): Promise<void> {
    await this.repository.purge().catch((error: unknown) => this.log.error('old requests not purged', { error }));
  }
}

function toRepeatable(request: FastifyRequest, key: string | string[], principal: string): RepeatableRequest {
  if (typeof key !== 'string' || !KEY.test(key)) {
    const errors = [{ path: 'Idempotency-Key', message: '1 to 255 visible ASCII characters' }];
    throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'a header is not as expected', errors });
  }
  const body = JSON.stringify(request.body) ?? '';
  const requestHash = createHash('sha256').update(`${request.method}\n${request.url}\n${body}`).digest('hex');
  return { principal, key, requestHash };
}
