import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { publicLookup, readBody, refuseForbidden, type OutboundPost } from './post.js';

/** One GET of a small text from a server of somebody else's choosing. */
export type OutboundGet = Pick<OutboundPost, 'url' | 'msMax' | 'answerBytesMax' | 'isPrivateAllowed'>;

export interface GetAnswer {
  readonly status: number;
  /** Null when it is longer than was asked for. */
  readonly body: string | null;
}

/**
 * Sends one GET and follows no redirect. The address is checked where the connection is made, so that a name cannot lead
 * elsewhere between the check and the call.
 *
 * @throws ForbiddenAddressError for an address that is not public; any other error means that no whole answer came
 */
export async function get({ url, msMax, answerBytesMax, isPrivateAllowed }: OutboundGet): Promise<GetAnswer> {
  const address = new URL(url);
  if (!isPrivateAllowed) refuseForbidden(address);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    agent: false,
    signal: AbortSignal.timeout(msMax),
    ...(isPrivateAllowed ? {} : { lookup: publicLookup }),
  };
  const client = address.protocol === 'https:' ? https : http;
  client.get(address, options, resolve).on('error', reject);
  const answer = await promise;
  return { status: answer.statusCode ?? 0, body: await readBody(answer, answerBytesMax) };
}
