import { ForbiddenException, UnsupportedMediaTypeException, type HttpException } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { Log } from '../observability/log.js';
import { Metrics } from '../observability/metrics.js';
import { LINES, RAW, refuseUnstorable, YAML } from './body.js';
import { isHostAllowed } from './host.js';
import { serveDocs } from './openapi.js';
import { pathOf, sendProblem } from './problem.filter.js';
import { toProblem } from './problem.js';

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)/;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** This route takes a form, as text, where all others take JSON. Set with `@RouteConfig({ takesForm: true })`. */
    takesForm?: boolean;
    /** This route takes lines (CSV or NDJSON) as a stream, where all others take JSON. */
    takesLines?: boolean;
    /** This route takes YAML beside JSON. */
    takesYaml?: boolean;
    /** This route takes bytes of whatever type as they came, in place of JSON. */
    takesRaw?: boolean;
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
    const refusal = refuseForeignHost(request, config) ?? refuseForeignSite(request, config) ?? refuseType(request);
    // Sent here, not thrown: the pages of the documentation know no filter.
    if (refusal !== null) return sendProblem(reply, toProblem(refusal, { path: pathOf(request), errorId: request.id }));
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
function refuseForeignHost(request: FastifyRequest, config: Config): HttpException | null {
  if (config.auth.mode !== 'none' || isHostAllowed(request.headers.host, config.http.publicUrl)) return null;
  const detail = 'without authentication only requests to a loopback address are answered';
  return new ForbiddenException({ code: 'HOST_NOT_ALLOWED', detail });
}

/**
 * Without keys, any page in a browser on this machine could make a request that needs no preflight. Browsers say where
 * a request comes from; other clients do not, and are not meant. A person may come to the unsubscribe page from anywhere,
 * an inbox is shown by sites of the company, which send a token of the person, and the Temporal UI of the installation has its payloads opened here.
 */
function refuseForeignSite(request: FastifyRequest, config: Config): HttpException | null {
  const site = request.headers['sec-fetch-site'];
  const isOfTemporal =
    request.url.startsWith('/api/codec/') && request.headers.origin === new URL(config.temporal.uiUrl).origin;
  const isSafe =
    request.method === 'GET' || request.method === 'HEAD' || /^\/(unsubscribe\/|inbox(\/|\?|$))/.test(request.url);
  if (
    config.auth.mode !== 'none' ||
    isSafe ||
    isOfTemporal ||
    site === undefined ||
    site === 'same-origin' ||
    site === 'none'
  ) {
    return null;
  }
  const detail = 'without authentication other sites may not change anything';
  return new ForbiddenException({ code: 'FOREIGN_SITE', detail });
}

/**
 * Forms need no preflight, so a foreign page could post them: only routes that are made for it take them. Lines are not
 * held to the limit of other bodies: only a route that reads them as they come takes them, and it takes nothing else.
 */
function refuseType(request: FastifyRequest): HttpException | null {
  const type = request.headers['content-type'];
  if (type === undefined || request.is404) return null;
  const { takesForm = false, takesLines = false, takesYaml = false, takesRaw = false } = request.routeOptions.config;
  if (takesRaw) return null;
  const isRefused = takesLines
    ? !LINES.test(type)
    : LINES.test(type) || type.startsWith(RAW) || (FORM.test(type) && !takesForm) || (YAML.test(type) && !takesYaml);
  if (!isRefused) return null;
  const detail = `send ${takesLines ? 'text/csv or application/x-ndjson' : 'application/json'} with a content-type header`;
  return new UnsupportedMediaTypeException({ code: 'UNSUPPORTED_MEDIA_TYPE', detail });
}
