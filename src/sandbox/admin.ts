import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { AccountsChange } from './accounts.js';
import { FaultSet } from './fault-rules.js';
import type { Faults } from './faults.js';
import { receiveText } from './providers/twilio-callbacks.js';
import type { Sns } from './providers/sns.js';
import type { WebPush } from './providers/webpush.js';
import type { Setting } from './setting.js';
import type { TruthLog } from './truth-log.js';
import { PROVIDERS } from './wire.js';

const PAGE_MAX = 10_000;
const provider = z.enum(PROVIDERS);
const whole = z.coerce.number().int().min(0);

const SearchQuery = z.strictObject({
  provider: provider.optional(),
  recipient: z.string().optional(),
  key: z.string().optional(),
  after: whole.default(0),
  limit: whole.min(1).max(PAGE_MAX).default(1_000),
});
const RatesQuery = z.strictObject({ provider, window_ms: whole.min(1).default(1_000) });
const keyText = z
  .string()
  .regex(/^[\w-]+$/)
  .nullable()
  .default(null);
const SubscriptionInput = z.strictObject({ application_server_key: keyText, private_key: keyText, auth: keyText });
const EventInput = z.strictObject({
  provider,
  id: z.string().min(1),
  recipient: z.string().nullable().default(null),
  event: z.enum(['delivered', 'hard_bounce', 'soft_bounce', 'open', 'click', 'complaint', 'unsubscribe']),
});
const InboundInput = z.strictObject({ from: z.string().min(1), to: z.string().min(1), body: z.string() });

interface Parts {
  readonly setting: Setting;
  readonly log: TruthLog;
  readonly faults: Faults;
  readonly webPush: WebPush;
  readonly sns: Sns;
}

/** How a test sets the sandbox and asks it for the truth. */
export function serveAdmin({ setting, log, faults, webPush, sns }: Parts): void {
  const { app, book, callbacks, exchange } = setting;
  const search = (kind: 'accepted' | 'callback') => (query: z.infer<typeof SearchQuery>) => {
    const { provider: of = null, recipient = null, key = null, after, limit } = query;
    return log.search({ kind, provider: of, recipient, key, after, limit });
  };

  on(app, 'GET', '/admin/accounts', z.strictObject({}), () => book.now);
  on(app, 'PUT', '/admin/accounts', AccountsChange, (change) => {
    const before = book.now.ses.callback_url;
    book.change(change);
    const { callback_url: url } = book.now.ses;
    if (url !== null && url !== before) sns.askForConsent(url);
    return book.now;
  });
  on(app, 'GET', '/admin/faults', z.strictObject({}), () => faults.list());
  on(app, 'PUT', '/admin/faults', FaultSet, (set) => {
    faults.set(set);
    return faults.list();
  });
  on(app, 'GET', '/admin/accepted', SearchQuery, search('accepted'));
  on(app, 'GET', '/admin/callbacks', SearchQuery, (query) => ({
    ...search('callback')(query),
    pending: callbacks.pending,
  }));
  on(app, 'GET', '/admin/counts', z.strictObject({}), () => log.counts());
  on(app, 'GET', '/admin/rates', RatesQuery, ({ provider: of, window_ms: windowMs }) => ({
    provider: of,
    window_ms: windowMs,
    ...log.busiestWindow(of, windowMs),
  }));
  on(app, 'POST', '/admin/web-push/subscriptions', SubscriptionInput, (input) =>
    webPush.subscribe({ serverKey: input.application_server_key, privateKey: input.private_key, auth: input.auth }),
  );
  app.delete('/admin/web-push/subscriptions/:id', (request, reply) => {
    const { id } = request.params as { readonly id: string };
    return reply.code(webPush.unsubscribe(id) ? 204 : 404).send();
  });
  on(app, 'POST', '/admin/events', EventInput, ({ provider: of, id, recipient, event }) => {
    const message = log.message(of, id, recipient);
    return { is_told: message !== undefined && exchange.tell(of, message, event) };
  });
  on(app, 'POST', '/admin/inbound', InboundInput, (text) => ({ sid: receiveText(setting, text) ?? null }));
}

/** A GET takes its query, anything else its JSON body. */
function on<Input extends z.ZodType>(
  app: FastifyInstance,
  method: 'GET' | 'PUT' | 'POST',
  url: string,
  schema: Input,
  act: (input: z.infer<Input>) => unknown,
): void {
  app.route({
    method,
    url,
    handler: (request, reply): FastifyReply => {
      const given = method === 'GET' ? request.query : bodyOf(request.body);
      const { success, data, error } = schema.safeParse(given);
      if (success) return reply.send(act(data));
      return reply.code(400).send({ error: z.prettifyError(error) });
    },
  });
}

function bodyOf(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
