import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mailgun } from '../../../src/modules/callbacks/schemes/mailgun.js';
import { postmark } from '../../../src/modules/callbacks/schemes/postmark.js';
import type { CallbackScheme } from '../../../src/modules/callbacks/schemes/scheme.js';
import { sendgrid } from '../../../src/modules/callbacks/schemes/sendgrid.js';
import { ses } from '../../../src/modules/callbacks/schemes/ses.js';
import { twilio } from '../../../src/modules/callbacks/schemes/twilio.js';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type ReceivedHook, type Receiver } from '../../support/webhook-receiver.js';
import {
  mailgunFields,
  postMailgun,
  postmarkMail,
  postPostmark,
  postSendgrid,
  postTwilio,
  sendgridMail,
  sesMail,
  signedSes,
} from './senders.js';

interface Provider {
  readonly scheme: CallbackScheme;
  readonly path: string;
  send(delivery: string): Promise<Response>;
  account(): Promise<{ readonly settings: Record<string, string>; readonly credentials: Record<string, string> }>;
}

/** The sandbox and the product were written apart, from the providers' documentation: here they meet. */
describe('callbacks of the sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  let from = 0;
  const to = 'a@example.com';
  const hooks = (path: string): ReceivedHook[] =>
    receiver.received.slice(from).filter((hook) => hook.path.startsWith(path));

  const providers: Readonly<Record<string, Provider>> = {
    sendgrid: {
      scheme: sendgrid,
      path: '/sendgrid',
      send: (delivery) => postSendgrid(sandbox, sendgridMail(to, { custom_args: { delivery_id: delivery } })),
      account: async () => ({
        settings: {},
        credentials: { callback_key: (await sandbox.accounts()).sendgrid.callback_public_key },
      }),
    },
    twilio: {
      scheme: twilio,
      path: '/twilio',
      send: (delivery) =>
        postTwilio(sandbox, {
          To: '+12025550101',
          From: '+15005550006',
          Body: 'Hello',
          StatusCallback: receiver.url(`/twilio?delivery=${delivery}`),
        }),
      account: async () => ({ settings: {}, credentials: { auth_token: 'sandbox' } }),
    },
    mailgun: {
      scheme: mailgun,
      path: '/mailgun',
      send: (delivery) => postMailgun(sandbox, { ...mailgunFields(to), 'v:delivery_id': delivery }),
      account: async () => ({ settings: {}, credentials: { callback_key: 'sandbox', api_key: 'key-sandbox' } }),
    },
    postmark: {
      scheme: postmark,
      path: '/postmark',
      send: (delivery) => postPostmark(sandbox, { ...postmarkMail(to), Metadata: { delivery_id: delivery } }),
      account: async () => ({
        settings: {},
        credentials: { callback_user: 'sandbox', callback_password: 'sandbox' },
      }),
    },
    ses: {
      scheme: ses({
        fetchCertificate: async (url) => (await fetch(url)).text(),
        isStandInAllowed: true,
      }),
      path: '/ses',
      async send(delivery) {
        const mail = { ...sesMail(to), EmailTags: [{ Name: 'delivery_id', Value: delivery }] };
        const { url, headers, body } = signedSes(sandbox, mail);
        return fetch(url, { method: 'POST', headers, body });
      },
      account: async () => ({
        settings: { base_url: `${sandbox.url}/ses`, topic_arn: (await sandbox.accounts()).ses.topic_arn },
        credentials: {},
      }),
    },
  };

  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandboxProcess(), startReceiver()]);
    await sandbox.accounts({
      sendgrid: { callback_url: receiver.url('/sendgrid') },
      mailgun: { callback_url: receiver.url('/mailgun') },
      postmark: { callback_url: receiver.url('/postmark') },
      ses: { callback_url: receiver.url('/ses') },
      callbacks: { delay_ms: 20 },
    });
    await until(
      () => hooks('/ses').length === 1,
      60_000,
      () => 'the question of SNS',
    );
    const { SubscribeURL: url } = JSON.parse(hooks('/ses')[0]?.body ?? '') as { SubscribeURL: string };
    await fetch(url);
  });
  beforeEach(async () => {
    await sandbox.accounts({ postmark: { inactive: [] } });
    from = receiver.received.length;
  });
  afterAll(async () => {
    await receiver.stop();
    await sandbox.stop();
  });

  const cases = Object.keys(providers).flatMap((name) => [
    [name, [], 'delivered'] as const,
    [name, [{ kind: 'hard_bounce' }], 'bounced'] as const,
    ...(name === 'twilio'
      ? []
      : [
          [name, [{ kind: 'soft_bounce' }], 'soft_bounced'] as const,
          [name, [{ kind: 'complaint' }], 'complained'] as const,
          [name, [{ kind: 'open' }], 'opened'] as const,
          [name, [{ kind: 'click' }], 'clicked'] as const,
          [name, [{ kind: 'unsubscribe' }], 'unsubscribed'] as const,
        ]),
  ]);

  it.each(cases)('of %s with %j are verified and read as %s by the product', async (name, faults, kind) => {
    const provider = providers[name];
    if (provider === undefined) throw new Error(`no provider ${name}`);
    await sandbox.faults(faults.map((fault) => ({ provider: name, ...fault })));
    const delivery = randomUUID();
    expect((await provider.send(delivery)).ok).toBe(true);
    await sandbox.settled();
    const account = await provider.account();
    const events = [];
    for (const { headers, body, path } of hooks(provider.path)) {
      const request = { url: receiver.url(path), headers, body: Buffer.from(body) };
      expect(await provider.scheme.verify(request, account, Date.now())).toMatchObject({ kind: 'ok' });
      const content = provider.scheme.read(request, account);
      if (content.kind === 'events') events.push(...content.events);
    }
    expect(events.map((event) => event.kind)).toContain(kind);
    expect(new Set(events.map(({ deliveryId }) => deliveryId))).toEqual(new Set([delivery]));
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });
});
