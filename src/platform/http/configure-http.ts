import { ForbiddenException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { Log } from '../observability/log.js';
import { Metrics } from '../observability/metrics.js';
import { refuseUnstorable } from './body.js';
import { isHostAllowed } from './host.js';
import { serveDocs } from './openapi.js';

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)/;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** This route takes a form, as text, where all others take JSON. Set with `@RouteConfig({ takesForm: true })`. */
    takesForm?: boolean;
  }
}

/**
 * Everything about HTTP that no controller should have to think of: safe headers, request ids, the check of the host
 * in local mode, one log line and one measurement for each request, and the documentation. Call before `init`.
 */
export function configureHttp(app: NestFastifyApplication): void {
  const config = app.get<Config>(CONFIG);
  const log = app.get(Log);
  const metrics = app.get(Metrics);
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRequest', async (request, reply) => {
    setSafeHeaders(request, reply);
    if (config.auth.mode === 'none') refuseForeignHost(request, config);
    refuseForm(request);
  });
  server.addHook('preValidation', async (request) => {
    refuseUnstorable(request.params);
    refuseUnstorable(request.query);
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const facts = { method: request.method, route, status: reply.statusCode };
    metrics.countRequest({ ...facts, seconds: reply.elapsedTime / 1_000 });
    log.info('request', { ...facts, ms: Math.round(reply.elapsedTime), requestId: request.id });
  });
  serveDocs(app);
}

function setSafeHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply.headers({
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': API_POLICY,
    'cache-control': 'no-store',
  });
}

/** Without keys, a page on the web could reach this machine under a name of its own (DNS rebinding). */
function refuseForeignHost(request: FastifyRequest, config: Config): void {
  if (isHostAllowed(request.headers.host, config.http.publicUrl)) return;
  const detail = 'without authentication only requests to a loopback address are answered';
  throw new ForbiddenException({ code: 'HOST_NOT_ALLOWED', detail });
}

/** Forms need no preflight, so a foreign page could post them: only routes that are made for it take them. */
function refuseForm(request: FastifyRequest): void {
  const isForm = FORM.test(request.headers['content-type'] ?? '');
  if (!isForm || request.is404 || request.routeOptions.config.takesForm === true) return;
  throw new UnsupportedMediaTypeException({
    code: 'UNSUPPORTED_MEDIA_TYPE',
    detail: 'send application/json with a content-type header',
  });
}
