import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type Receiver } from '../../support/webhook-receiver.js';
import { mailgunFields, phoneOf, postMailgun, sendersOf, type Send } from './senders.js';

const HTTP_PROVIDERS = ['sendgrid', 'twilio', 'fcm', 'webpush', 'mailgun', 'postmark', 'ses', 'webhooks'];
/** For an answer that will not come, once the sandbox has come to its fault. */
const IMPATIENT_MS = 150;
/** For one that will, however busy the machine is. */
const PATIENT_MS = 20_000;

describe('faults of the provider sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  let senders: Readonly<Record<string, Send>>;
  let seen = 0;
  const fresh = (): string => `person-${(seen += 1)}@example.com`;
  const send = (provider: string, to = fresh(), signal = AbortSignal.timeout(PATIENT_MS)): Promise<Response> => {
    const sender = senders[provider];
    if (sender === undefined) throw new Error(`no sender for ${provider}`);
    return sender(to, { signal });
  };
  const hasFired = async (): Promise<boolean> => {
    const { faults } = await sandbox.ask<{ readonly faults: readonly { readonly fired: number }[] }>(
      'GET',
      '/admin/faults',
    );
    return faults.every(({ fired }) => fired > 0);
  };
  /** The patience of one who waits no longer than `IMPATIENT_MS`, but whose request has arrived. */
  function impatience(): AbortSignal {
    const patience = new AbortController();
    void until(hasFired, PATIENT_MS, () => 'the fault').then(
      () => setTimeout(() => patience.abort(new DOMException('no answer', 'TimeoutError')), IMPATIENT_MS),
      (error: unknown) => patience.abort(error),
    );
    return patience.signal;
  }
  const countOf = async (provider: string): Promise<number> => (await sandbox.accepted(`provider=${provider}`)).length;
  const outcomeOf = (provider: string, signal?: AbortSignal): Promise<string> =>
    send(provider, fresh(), signal).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      (error: Error) => (error.name === 'TimeoutError' ? 'timeout' : 'broken'),
    );

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
    receiver = await startReceiver();
    senders = await sendersOf(sandbox);
  });
  beforeEach(() => sandbox.faults([]));
  afterAll(async () => {
    await receiver.stop();
    expect(await sandbox.stop()).toBe(0);
  });

  describe.each(HTTP_PROVIDERS)('%s', (provider) => {
    it.each([
      [{ kind: 'timeout_before' }, 'timeout', 0],
      [{ kind: 'timeout_after' }, 'timeout', 1],
      [{ kind: 'reset_before' }, 'broken', 0],
      [{ kind: 'reset_after' }, 'broken', 1],
      [{ kind: 'malformed', parameters: { part: 'head' } }, 'broken', 1],
      [{ kind: 'error', parameters: { status: 500 } }, '500', 0],
      [{ kind: 'error', parameters: { status: 400 } }, '400', 0],
      [{ kind: 'rate_limited', parameters: { retry_after_s: 7 } }, '429', 0],
      [{ kind: 'slow_drip', parameters: { bytes: 1, every_ms: 1_000 } }, 'timeout', 1],
    ])('does %j once, and says in its log what it accepted', async (fault, outcome, accepted) => {
      const before = await countOf(provider);
      await sandbox.faults([{ provider, count: 1, ...fault }]);
      expect(await outcomeOf(provider, outcome === 'timeout' ? impatience() : undefined)).toBe(outcome);
      await until(
        async () => (await countOf(provider)) === before + accepted,
        PATIENT_MS,
        () => `${accepted} accepted`,
      );
      expect(await outcomeOf(provider)).toMatch(/^20/);
      expect((await countOf(provider)) - before).toBe(accepted + 1);
      if (accepted === 1) expect((await sandbox.accepted(`provider=${provider}`)).at(-2)?.fault).toBe(fault.kind);
    });

    it('breaks the body of its answer off, and has accepted', async () => {
      const before = await countOf(provider);
      await sandbox.faults([{ provider, kind: 'malformed', count: 1 }]);
      const response = await send(provider);
      expect(response.ok).toBe(true);
      await expect(response.json()).rejects.toThrow();
      expect(await countOf(provider)).toBe(before + 1);
    });

    it('drips its answer slowly but whole', async () => {
      await sandbox.faults([{ provider, kind: 'slow_drip', count: 1, parameters: { bytes: 8, every_ms: 1 } }]);
      const slow = await send(provider);
      const usual = await send(provider);
      expect(slow.status).toBe(usual.status);
      expect((await slow.text()).length).toBe((await usual.text()).length);
    });

    it('works on after its client has gone, when it was only slow', async () => {
      const before = await countOf(provider);
      await sandbox.faults([{ provider, kind: 'delay', count: 1, parameters: { ms: 10 * IMPATIENT_MS } }]);
      expect(await outcomeOf(provider, impatience())).toBe('timeout');
      await until(
        async () => (await countOf(provider)) === before + 1,
        PATIENT_MS,
        () => 'the late acceptance',
      );
    });

    it('names when to come back', async () => {
      await sandbox.faults([{ provider, kind: 'rate_limited', count: 1, parameters: { retry_after_s: 7 } }]);
      expect((await send(provider)).headers.get('retry-after')).toBe('7');
    });

    it('says what it was told to say', async () => {
      const parameters = { status: 503, body: 'closed for repairs', headers: { 'x-why': 'repairs' } };
      await sandbox.faults([{ provider, kind: 'error', count: 1, parameters }]);
      const response = await send(provider);
      expect([response.status, response.headers.get('x-why'), await response.text()]).toEqual([
        503,
        'repairs',
        'closed for repairs',
      ]);
    });
  });

  it('meet one recipient where they are for one', async () => {
    const [unlucky, lucky] = [fresh(), fresh()];
    await sandbox.faults([
      { provider: 'mailgun', kind: 'error', match: { recipient: unlucky }, parameters: { status: 500 } },
    ]);
    expect((await send('mailgun', lucky)).status).toBe(200);
    expect((await send('mailgun', unlucky)).status).toBe(500);
  });

  it('with a probability fall the same way for the same seed, in any order of requests, and another way for another', async () => {
    const people = Array.from({ length: 60 }, (_, index) => `drawn-${index}@example.com`);
    const fall = async (seed: number, order: readonly string[]): Promise<string> => {
      await sandbox.faults(
        [{ provider: 'mailgun', kind: 'error', probability: 0.5, parameters: { status: 500 } }],
        seed,
      );
      const answers = new Map<string, number>();
      await Promise.all(order.map(async (to) => answers.set(to, (await send('mailgun', to)).status)));
      return people.map((to) => answers.get(to)).join();
    };
    const first = await fall(7, people);
    expect(await fall(7, people.toReversed())).toBe(first);
    expect(await fall(8, people)).not.toBe(first);
    const failed = first.split(',').filter((status) => status === '500').length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(50);
  });

  it('with a probability draw anew when the same message comes again', async () => {
    await sandbox.faults([{ provider: 'mailgun', kind: 'error', probability: 0.5, parameters: { status: 500 } }]);
    const statuses = new Set<number>();
    for (let time = 0; time < 20; time += 1) statuses.add((await send('mailgun', 'again@example.com')).status);
    expect([...statuses].sort()).toEqual([200, 500]);
  });

  it('that are wrong are refused, with the field', async () => {
    const wrong = sandbox.faults([{ provider: 'mailgun', kind: 'error', parameters: { status: 200 } }]);
    await expect(wrong).rejects.toThrow(/400 .*status/s);
    await expect(sandbox.faults([{ provider: 'nobody', kind: 'delay' }])).rejects.toThrow(/400/);
  });

  it('meet the desks that take no messages', async () => {
    await sandbox.faults([{ provider: 'fcm_token', kind: 'error', parameters: { status: 503 } }]);
    const response = await fetch(`${sandbox.url}/fcm/token`, { method: 'POST' });
    expect(response.status).toBe(503);
  });

  describe('in callbacks', () => {
    const names = async (): Promise<readonly string[]> => {
      await sandbox.settled();
      const { items } = await sandbox.callbacks('provider=twilio');
      return items
        .slice(from)
        .toSorted((one, other) => one.order - other.order)
        .flatMap((item) => item.names);
    };
    let from = 0;
    const text = async (faults: readonly object[]): Promise<Response> => {
      from = (await sandbox.callbacks('provider=twilio')).count;
      await sandbox.faults(faults);
      return fetch(`${sandbox.url}/twilio/2010-04-01/Accounts/AC${'0'.repeat(32)}/Messages.json`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`AC${'0'.repeat(32)}:sandbox`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          To: phoneOf(fresh()),
          From: '+15005550006',
          Body: 'Hello',
          StatusCallback: receiver.url(),
        }).toString(),
      });
    };
    const USUAL = ['queued', 'sending', 'sent', 'delivered'];

    it('change nothing when there are none', async () => {
      await text([]);
      expect(await names()).toEqual(USUAL);
    });

    it('drop them', async () => {
      await text([{ provider: 'twilio', kind: 'callbacks_dropped' }]);
      expect(await names()).toEqual([]);
    });

    it('duplicate them', async () => {
      await text([{ provider: 'twilio', kind: 'callbacks_duplicated', parameters: { copies: 2 } }]);
      expect([...(await names())].sort()).toEqual(USUAL.flatMap((name) => [name, name, name]).sort());
    });

    it('put them into another order', async () => {
      await text([{ provider: 'twilio', kind: 'callbacks_reordered' }]);
      const told = await names();
      expect(told).not.toEqual(USUAL);
      expect([...told].sort()).toEqual([...USUAL].sort());
    });

    it('delay them', async () => {
      await text([{ provider: 'twilio', kind: 'callbacks_delayed', parameters: { ms: 2_000 } }]);
      expect((await sandbox.callbacks()).pending).toBeGreaterThan(0);
      const startedAt = Date.parse((await sandbox.accepted('provider=twilio')).at(-1)?.accepted_at ?? '');
      expect(await names()).toEqual(USUAL);
      const { items } = await sandbox.callbacks('provider=twilio');
      const firstAt = Math.min(
        ...items.slice(from).map((item) => Date.parse((item as unknown as { readonly at: string }).at)),
      );
      expect(firstAt - startedAt).toBeGreaterThanOrEqual(2_000);
    });

    it('bounce a share of the messages, open and click others', async () => {
      await sandbox.accounts({ mailgun: { callback_url: receiver.url() } });
      await sandbox.faults([
        { provider: 'mailgun', kind: 'hard_bounce', probability: 0.3 },
        { provider: 'mailgun', kind: 'open', probability: 0.5, parameters: { times: 2 } },
      ]);
      await Promise.all(Array.from({ length: 60 }, () => postMailgun(sandbox, mailgunFields(fresh()))));
      await sandbox.settled();
      const told = (await sandbox.callbacks('provider=mailgun')).items.flatMap((item) => item.names);
      const times = (name: string): number => told.filter((other) => other === name).length;
      expect(times('accepted')).toBe(60);
      expect(times('hard_bounce') + times('delivered')).toBe(60);
      expect(times('hard_bounce')).toBeGreaterThan(5);
      expect(times('hard_bounce')).toBeLessThan(35);
      expect(times('open') % 2).toBe(0);
      expect(times('open')).toBeGreaterThan(20);
      await sandbox.accounts({ mailgun: { callback_url: null } });
    });
  });

  describe('the log', () => {
    it('holds a message before its sender is told', async () => {
      const to = fresh();
      const response = await send('postmark', to);
      const { MessageID: id } = (await response.json()) as { MessageID: string };
      expect(sandbox.log().some((entry) => entry.kind === 'accepted' && entry.id === id)).toBe(true);
      const [entry] = await sandbox.accepted(`recipient=${to}`);
      expect(entry).toMatchObject({ provider: 'postmark', id, recipient: to, key: `d-${to}`, fault: null });
      expect(Date.parse(entry?.accepted_at ?? '')).toBeGreaterThanOrEqual(Date.parse(entry?.started_at ?? ''));
    });

    it('tells when a request began, not only when it was accepted', async () => {
      const to = fresh();
      await sandbox.faults([{ provider: 'mailgun', kind: 'delay', parameters: { ms: 120 } }]);
      await send('mailgun', to);
      const [entry] = await sandbox.accepted(`recipient=${to}`);
      expect(Date.parse(entry?.accepted_at ?? '') - Date.parse(entry?.started_at ?? '')).toBeGreaterThanOrEqual(119);
    });

    it('is read in pages', async () => {
      for (let time = 0; time < 3; time += 1) await send('ses', 'pages@example.com');
      const page = `/admin/accepted?provider=ses&recipient=pages@example.com&limit=2`;
      type Page = { items: { seq: number }[]; next_after: number | null; count: number };
      const first = await sandbox.ask<Page>('GET', page);
      const second = await sandbox.ask<Page>('GET', `${page}&after=${first.next_after}`);
      expect([first.items.length, first.count, second.items.length, second.next_after]).toEqual([2, 3, 1, null]);
    });

    it('finds the busiest window', async () => {
      const before = await countOf('webhooks');
      await Promise.all(Array.from({ length: 10 }, () => send('webhooks')));
      const rate = await sandbox.ask<{ count: number }>('GET', '/admin/rates?provider=webhooks&window_ms=3600000');
      expect(rate.count).toBe(before + 10);
      const entries = await sandbox.accepted('provider=webhooks');
      const instants = entries.map((entry) => Date.parse(entry.accepted_at));
      const most = Math.max(...instants.map((at) => instants.filter((other) => other >= at && other < at + 20).length));
      const narrow = await sandbox.ask<{ count: number }>('GET', '/admin/rates?provider=webhooks&window_ms=20');
      expect(narrow.count).toBe(most);
    });
  });

  it('leave the sandbox standing when a client hangs up in the middle', async () => {
    const { port, hostname } = new URL(sandbox.url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.write('POST /postmark/email HTTP/1.1\r\nhost: sandbox\r\ncontent-length: 100\r\n\r\n{"From"');
    socket.destroy();
    expect((await send('postmark')).status).toBe(200);
  });
});
