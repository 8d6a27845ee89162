import fc from 'fast-check';
import type { WebhookReply } from '../webhook-endpoints/index.js';
import { atOnceMax, judge, nextAttemptInMs, readRetryAfter, restMs, type Verdict } from './attempt-plan.js';

const NOW = Date.UTC(2027, 5, 15, 1, 30);
const DAY_MS = 86_400_000;
const answered = (status: number, headers = {}, body: string | null = ''): WebhookReply => ({
  kind: 'answered',
  status,
  headers,
  body,
});
const verdict = (reply: WebhookReply): Verdict => judge(reply, NOW);

describe('attempts of an event', () => {
  it('are ten, with the gaps of Standard Webhooks', () => {
    const gaps = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempts) =>
      nextAttemptInMs({ attempts, askedForMs: null, spread: 0 }),
    );
    expect(gaps).toEqual(
      [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((seconds) => seconds * 1_000),
    );
    expect(nextAttemptInMs({ attempts: 10, askedForMs: 60_000, spread: 0 })).toBeNull();
  });

  it('are spread by up to a tenth, and never come before the receiver wants them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.option(fc.integer({ min: 1, max: DAY_MS })),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, askedForMs, spread) => {
          const least = Math.max(nextAttemptInMs({ attempts, askedForMs: null, spread: 0 }) ?? 0, askedForMs ?? 0);
          const inMs = nextAttemptInMs({ attempts, askedForMs, spread }) ?? 0;
          expect(inMs).toBeGreaterThanOrEqual(least);
          expect(inMs).toBeLessThanOrEqual(Math.ceil(least * 1.1));
        },
      ),
    );
  });
});

describe('the answer to an attempt', () => {
  it.each([200, 201, 204, 299])('%i is a success', (status) => {
    expect(verdict(answered(status, { 'retry-after': '60' }, 'ok'))).toMatchObject({
      ...{ isDelivered: true, isTooMuch: false, because: null, status, answer: 'ok' },
    });
  });

  it.each([199, 300, 302, 400, 401, 404, 408, 422, 500, 503])('%i is none, and is tried again', (status) => {
    expect(verdict(answered(status))).toMatchObject({
      ...{ isDelivered: false, isFinal: false, isTooMuch: false, disabledFor: null, because: `status_${status}` },
    });
  });

  it('410 wants nothing more', () => {
    expect(verdict(answered(410))).toMatchObject({ isDelivered: false, disabledFor: 'gone' });
  });

  it.each([429, 502, 504])('%i is too much', (status) => {
    expect(verdict(answered(status))).toMatchObject({ isTooMuch: true, askedForMs: null, disabledFor: null });
  });

  it('that names a time is too much, too', () => {
    expect(verdict(answered(503, { 'retry-after': '90' }))).toMatchObject({ isTooMuch: true, askedForMs: 90_000 });
  });

  it('is kept by its beginning, without what a database cannot hold', () => {
    expect(verdict(answered(500, {}, `a\u0000${'x'.repeat(600)}`)).answer).toBe(`a${'x'.repeat(498)}`);
    expect(verdict(answered(500, {}, null)).answer).toBeNull();
  });

  it.each(['endpoint_unknown', 'endpoint_gone', 'address_forbidden'])(
    'that cannot come for %s ends it all',
    (because) => {
      expect(verdict({ kind: 'not_sent', because })).toMatchObject({ disabledFor: because, isFinal: false });
    },
  );

  it('that cannot come for a message by itself ends the message', () => {
    expect(verdict({ kind: 'not_sent', because: 'body_too_large' })).toMatchObject({
      disabledFor: null,
      isFinal: true,
    });
  });

  it('that does not come is waited for again', () => {
    expect(verdict({ kind: 'silent', because: 'ABORT_ERR' })).toMatchObject({ isFinal: false, because: 'time_out' });
    expect(verdict({ kind: 'silent', because: 'ECONNREFUSED' })).toMatchObject({
      ...{ isDelivered: false, isFinal: false, isTooMuch: false, status: null, because: 'ECONNREFUSED' },
    });
  });
});

describe('a receiver that has too much', () => {
  it.each([
    ['120', 120_000],
    ['Tue, 15 Jun 2027 01:31:00 GMT', 60_000],
    ['999999', DAY_MS],
    ['Wed, 15 Jun 2039 01:30:00 GMT', DAY_MS],
    ['0', null],
    ['Tue, 15 Jun 2027 01:29:00 GMT', null],
    ['-5', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('says %s', (text, expected) => {
    expect(readRetryAfter(text, NOW)).toBe(expected);
  });

  it('gets the rest that it asks for, else one that doubles up to five minutes', () => {
    expect(restMs({ slowed: 0, askedForMs: 1_000 })).toBe(1_000);
    const rests = [0, 1, 2, 5, 6, 7, 1_000].map((slowed) => restMs({ slowed, askedForMs: null }) / 1_000);
    expect(rests).toEqual([5, 10, 20, 160, 300, 300, 300]);
  });

  it('gets fewer at one time, but always one', () => {
    expect([0, 1, 2, 3, 4, 33].map(atOnceMax)).toEqual([8, 4, 2, 1, 1, 1]);
  });
});
