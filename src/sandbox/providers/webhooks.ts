import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Endpoint } from '../exchange.js';
import type { Setting } from '../setting.js';
import { isText, json, refused, type Answer, type Verdict, type WireRequest } from '../wire.js';

// https://www.standardwebhooks.com

const TOLERANCE_S = 300;

const failure = (status: number, why: string): Answer => json(status, { error: why });

/** Receives Standard Webhooks at any name. */
export function playWebhooks({ app, exchange, book, clock }: Setting): void {
  const endpoint: Endpoint = {
    desk: 'webhooks',
    judge(request): Verdict {
      const { secret, response } = book.now.webhooks;
      const fault = faultOf(request, secret, clock.now() / 1_000);
      if (fault !== undefined) return refused(failure(401, fault));
      const id = String(request.headers['webhook-id']);
      const name = request.params['name'] ?? '';
      const message = { id, recipient: name, key: id, custom: {}, body: request.raw.toString('utf8') };
      return { kind: 'taken', messages: [message], answer: json(200, response) };
    },
    failure: (status) => failure(status, 'told to fail'),
  };
  exchange.route(app, 'POST', '/webhooks/:name', endpoint);
}

function faultOf({ headers, raw }: WireRequest, secret: string, nowS: number): string | undefined {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`]);
  if (!isText(id) || !isText(timestamp) || !isText(signatures)) return 'a header of Standard Webhooks is missing';
  if (!/^\d+$/.test(timestamp) || Math.abs(nowS - Number(timestamp)) > TOLERANCE_S)
    return 'the timestamp is not of now';
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const right = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(raw).digest();
  const isSigned = signatures.split(' ').some((entry) => {
    const given = Buffer.from(/^v1,(.+)$/.exec(entry)?.[1] ?? '', 'base64');
    return given.length === right.length && timingSafeEqual(given, right);
  });
  return isSigned ? undefined : 'no signature is right';
}
