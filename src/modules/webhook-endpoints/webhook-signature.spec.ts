import { makeWebhookSecret, webhookHeaders } from './webhook-signature.js';

describe('signatures of webhooks', () => {
  it('are those of Standard Webhooks', () => {
    // The published vector of the specification's libraries.
    const headers = webhookHeaders({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampS: 1_614_265_330,
      body: '{"test": 2432232314}',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are one for each secret in force, newest first', () => {
    const message = { id: 'msg_1', timestampS: 1, body: '{}' };
    const [first, second] = [makeWebhookSecret(), makeWebhookSecret()];
    const signature = (secrets: readonly string[]): string =>
      webhookHeaders({ ...message, secrets })['webhook-signature'];
    expect(signature([first, second])).toBe(`${signature([first])} ${signature([second])}`);
  });

  it('are made with 32 bytes that nobody else has', () => {
    const secrets = Array.from({ length: 20 }, makeWebhookSecret);
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) {
      expect(Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).toHaveLength(32);
    }
  });
});
