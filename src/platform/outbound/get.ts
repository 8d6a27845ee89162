import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { guardedRequest } from './guarded-request.js';
import { readBody, type OutboundPost } from './post.js';

/** One GET of a small text from a server of somebody else's choosing. */
export type OutboundGet = Pick<OutboundPost, 'url' | 'msMax' | 'answerBytesMax' | 'isPrivateAllowed'> &
  Partial<Pick<OutboundPost, 'headers'>>;

export interface GetAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Null when it is longer than was asked for. */
  readonly body: string | null;
}

/**
 * Sends one GET and follows no redirect. The address is checked where the connection is made, so that a name cannot lead
 * elsewhere between the check and the call.
 *
 * @throws ForbiddenAddressError for an address that is not public; any other error means that no whole answer came
 */
export async function get(request: OutboundGet): Promise<GetAnswer> {
  const { url, headers = {}, msMax, answerBytesMax, isPrivateAllowed } = request;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const signal = AbortSignal.timeout(msMax);
  const sent = guardedRequest(new URL(url), isPrivateAllowed, { headers, agent: false, signal });
  sent.on('response', resolve).on('error', reject).end();
  const answer = await promise;
  const { statusCode: status = 0, headers: answered } = answer;
  return { status, headers: answered, body: await readBody(answer, answerBytesMax) };
}
