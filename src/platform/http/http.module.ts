import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { ProblemFilter } from './problem.filter.js';
import { ValidationPipe } from './validation.pipe.js';

/** What every route of the API shares: validation, problems, repeatable requests. */
@Global()
@Module({
  providers: [
    IdempotencyRepository,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useClass: ValidationPipe },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
  ],
  exports: [IdempotencyRepository],
})
export class HttpModule {}
