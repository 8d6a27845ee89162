import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { Clock } from '../platform/clock/clock.js';
import { AccountBook, type AccountsChange } from './accounts.js';
import { serveAdmin } from './admin.js';
import { CallbackSender } from './callbacks.js';
import { selfSignedCertificate } from './certificate.js';
import { Exchange } from './exchange.js';
import { Faults } from './faults.js';
import { playAudiences } from './providers/audiences.js';
import { playFcm } from './providers/fcm.js';
import { playMailgun } from './providers/mailgun.js';
import { playPostmark } from './providers/postmark.js';
import { playSendgrid } from './providers/sendgrid.js';
import { playSes } from './providers/ses.js';
import { playSmtp } from './providers/smtp.js';
import { Sns } from './providers/sns.js';
import { playTwilio } from './providers/twilio.js';
import { playWebhooks } from './providers/webhooks.js';
import { WebPush } from './providers/webpush.js';
import type { Setting } from './setting.js';
import { TruthLog } from './truth-log.js';

const HOST = '127.0.0.1';
/** Above what any of the providers takes, so that each can refuse by its own words. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

declare module 'fastify' {
  interface FastifyRequest {
    /** When the head of the request had been read. */
    startedAtMs: number;
  }
}

export interface SandboxOptions {
  /** 0 takes a free port. */
  readonly httpPort: number;
  /** 0 takes a free port. */
  readonly smtpPort: number;
  /** Where the truth is appended. */
  readonly logFile: string;
  readonly accounts: AccountsChange;
}

export interface Sandbox {
  readonly httpUrl: string;
  readonly smtpUrl: string;
  stop(): Promise<void>;
}

/** The providers of all channels, on this machine alone. */
export async function startSandbox({ httpPort, smtpPort, logFile, accounts }: SandboxOptions): Promise<Sandbox> {
  const clock = new Clock();
  const app = createHttp(clock);
  const log = new TruthLog(logFile, clock);
  const book = new AccountBook();
  book.change(accounts);
  const faults = new Faults();
  const callbacks = new CallbackSender(log, () => book.now.callbacks);
  const exchange = new Exchange(log, faults, callbacks, clock);
  const origin = (): string => `http://${HOST}:${(app.server.address() as AddressInfo).port}`;
  const setting: Setting = { app, exchange, callbacks, book, clock, origin };
  const identity = createIdentity(clock.now());

  playSendgrid(setting);
  playTwilio(setting);
  playFcm(setting);
  playMailgun(setting);
  playPostmark(setting);
  playWebhooks(setting);
  playAudiences(setting);
  const webPush = new WebPush(setting);
  const sns = new Sns(setting, identity);
  playSes(setting, sns);
  const smtp = playSmtp(setting, { key: identity.key, certificate: identity.certificate });
  serveAdmin({ setting, log, faults, webPush, sns });

  await app.listen({ port: httpPort, host: HOST });
  await new Promise<void>((resolve, reject) => {
    smtp.server.once('error', reject);
    smtp.listen(smtpPort, HOST, () => resolve());
  });
  return {
    httpUrl: origin(),
    smtpUrl: `smtp://${HOST}:${(smtp.server.address() as AddressInfo).port}`,
    async stop() {
      callbacks.close();
      await Promise.all([app.close(), new Promise<void>((resolve) => smtp.close(() => resolve()))]);
      log.close();
    },
  };
}

function createHttp(clock: Clock): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.decorateRequest('startedAtMs', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.startedAtMs = clock.now();
    done();
  });
  return app;
}

function createIdentity(nowMs: number) {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    privateKey: keys.privateKey,
    key,
    certificate: selfSignedCertificate(keys, 'Tactful provider sandbox', nowMs),
  };
}
