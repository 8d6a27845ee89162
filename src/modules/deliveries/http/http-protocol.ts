import type { IncomingHttpHeaders } from 'node:http';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { ProviderAccount } from '../../providers/index.js';
import type { OutboundMessage, SendResult } from '../connector.js';

/** Who writes, as every message of the company says it. */
interface Sender {
  readonly name: string;
  readonly address: string;
}

/** What a protocol needs to know beside the message. */
export interface Correspondence {
  readonly account: ProviderAccount;
  readonly from: Sender;
  /** Domain of List-Id. */
  readonly domain: string;
  /** Where the provider tells what became of the message. */
  readonly callbackUrl: string;
}

interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed, where it is JSON; else undefined. */
  readonly json: unknown;
}

/** How one kind of provider is spoken to. Pure: it neither sends nor waits. */
export interface HttpProtocol {
  toRequest(message: OutboundMessage, correspondence: Correspondence): HttpRequest;
  /** Where a request is signed with its time; left out: it is not. */
  sign?(request: HttpRequest, account: ProviderAccount, now: InstantMs): HttpRequest;
  toResult(answer: HttpAnswer): SendResult;
}

/** RFC 7617 */
export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
