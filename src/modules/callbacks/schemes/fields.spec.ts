import fc from 'fast-check';
import type { CallbackEvent } from '../callback-event.js';
import { ADDRESS, NO_SECRETS, events } from '../../../../test/support/callback-reading.js';
import { mailgun } from './mailgun.js';
import { postmark } from './postmark.js';
import { MalformedCallback } from './scheme.js';
import { sendgrid } from './sendgrid.js';
import { ses } from './ses.js';
import { standardWebhooks } from './standard-webhooks.js';
import { twilio } from './twilio.js';

const amazon = ses({ fetchCertificate: () => Promise.resolve(''), isStandInAllowed: false });

const SCHEMES = { sendgrid, mailgun, postmark, standardWebhooks, amazon, twilio };

describe.each(Object.entries(SCHEMES))('whatever comes in by %s', (_, scheme) => {
  const url = scheme === twilio ? `${ADDRESS}?bodySHA256=0` : ADDRESS;

  it('is read, or is malformed, and is nothing that cannot be stored', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        let all: readonly CallbackEvent[] = [];
        try {
          all = events(scheme, body, url);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedCallback);
        }
        for (const { id, name, detail } of all) {
          for (const text of [id, name, detail ?? '']) {
            expect([text.isWellFormed(), text.includes('\u0000')]).toEqual([true, false]);
          }
        }
      }),
    );
  });

  it('is malformed where its bytes are no text', () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => scheme.read({ url, headers: {}, body }, NO_SECRETS)).toThrow(MalformedCallback);
  });
});

it('what is too long to be stored as an id is stood for by a shorter one, the same each time', () => {
  const long = (id: string): object => [{ event: 'open', sg_event_id: id.repeat(1_000), timestamp: 1e30 }];
  const [one] = events(sendgrid, long('a'));
  expect(one).toEqual(events(sendgrid, long('a'))[0]);
  expect(one?.id.length).toBeLessThan(100);
  expect(one?.id).not.toBe(events(sendgrid, long('b'))[0]?.id);
  expect(one?.at).toBeNull();
});
