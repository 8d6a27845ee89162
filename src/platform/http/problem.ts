import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { isUnavailable } from './unavailable.js';

/** What is wrong with one part of a request. */
export interface ProblemPart {
  /** Where, e.g. `steps[2].next`; empty for the whole body. */
  readonly path: string;
  readonly message: string;
}

/** An error body after RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Path of the request, without its query. */
  readonly instance?: string;
  /** Stable word for programs, e.g. `USER_UNKNOWN`. */
  readonly code: string;
  readonly errors?: readonly ProblemPart[];
  /** Names the log line of a bug. */
  readonly error_id?: string;
}

/** What services hand to Nest's exceptions, e.g. `new ConflictException({ code, detail })`. */
interface ProblemDetails {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly errors?: unknown;
}

const PARTS_MAX = 50;
const CODES: Readonly<Record<number, string>> = {
  400: 'INVALID_INPUT',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  409: 'CONFLICT',
  410: 'GONE',
  413: 'BODY_TOO_LARGE',
  414: 'URL_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE',
  431: 'HEADERS_TOO_LARGE',
  503: 'UNAVAILABLE',
};

/**
 * Turns anything thrown into a problem. Only what was thrown to be shown is shown: an error that nobody foresaw gives
 * its `errorId` and no other word.
 */
export function toProblem(error: unknown, request: { readonly path: string; readonly errorId: string }): Problem {
  if (error instanceof HttpException) return fromHttpException(error, request.path);
  if (isUnavailable(error)) {
    return problem(503, { code: 'UNAVAILABLE', detail: 'the database cannot answer now; try again' }, request.path);
  }
  const status = clientStatus(error);
  if (status !== null && error instanceof Error) return problem(status, { detail: error.message }, request.path);
  return { ...problem(500, { code: 'INTERNAL_ERROR' }, request.path), error_id: request.errorId };
}

function fromHttpException(error: HttpException, path: string): Problem {
  const response = error.getResponse();
  const details = typeof response === 'object' ? (response as ProblemDetails) : { detail: response };
  return problem(error.getStatus(), 'code' in details || 'detail' in details ? details : {}, path);
}

/** Status of an error that Fastify raised about the request itself, else null. */
function clientStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}

function problem(status: number, { code, detail, errors }: ProblemDetails, path: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(path === '' ? {} : { instance: path }),
    code: typeof code === 'string' ? code : (CODES[status] ?? 'ERROR'),
    ...(Array.isArray(errors) ? { errors: (errors as readonly ProblemPart[]).slice(0, PARTS_MAX) } : {}),
  };
}
