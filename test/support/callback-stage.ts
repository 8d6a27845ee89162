import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { jest } from '@jest/globals';
import { CallbackApplier } from '../../src/modules/callbacks/callback-applier.js';
import { SnsClient } from '../../src/modules/callbacks/sns-client.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from './app.js';
import {
  notification,
  SECRETS,
  signMailgun,
  signPostmark,
  signSendgrid,
  signStandard,
  signTwilio,
  SNS_CERTIFICATE,
  type SignedCallback,
} from './callback-signers.js';
import { clientOf } from './client.js';
import { stageSteps, type StagedPerson } from './step-stage.js';
import { until } from './until.js';

export const APPLIED_MS_MAX = 50_000;

/** The kinds of providers that call back. */
export type Kind = keyof typeof SECRETS;
export const KINDS = Object.keys(SECRETS) as Kind[];

/** A message that went out: our id of it, and its provider's. */
export interface SentMessage {
  readonly id: string;
  readonly messageId: string;
}

/** An event as the API lists it. */
export interface CallbackView {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly name: string;
  readonly detail: string | null;
  readonly delivery_id: string | null;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
}

let ids = 0;
/** Another one each time. */
export const newId = (): string => `id-${(ids += 1)}`;
/** Seconds since 1970. */
export const nowS = (): number => Math.floor(Date.now() / 1_000);

/** An event of SendGrid about a message, known by whichever of its ids are given. */
export const grid = (event: string, { id, messageId }: Partial<SentMessage>, more: object = {}): object => ({
  event,
  sg_event_id: newId(),
  timestamp: nowS(),
  email: 'somebody@example.org',
  ...(id === undefined ? {} : { delivery_id: id }),
  ...(messageId === undefined ? {} : { sg_message_id: `${messageId}.recvd-1` }),
  ...more,
});
/** One request of SendGrid. */
export const gridSays = (...events: readonly object[]): SignedCallback => signSendgrid(events, nowS());

export type CallbackStage = Awaited<ReturnType<typeof openCallbackStage>>;

/** The API on a socket of its own, an account of each kind that calls back, and people to send messages to. */
export async function openCallbackStage(settings: Readonly<Record<string, string>> = {}) {
  const app: NestFastifyApplication = await createTestApp({ OUTBOX_POLL_MS: '60000', ...settings });
  jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
  jest.spyOn(app.get(SnsClient), 'certificate').mockResolvedValue(SNS_CERTIFICATE);
  await app.listen(0, '127.0.0.1');
  const origin = await app.getUrl();
  const api = clientOf(app);
  const { person } = await stageSteps(app);
  const addresses = new Map<string, string>();

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const addressOf = (key: string): string => addresses.get(key) ?? '';

  async function register(kind: Kind, key: string = kind): Promise<void> {
    const channel = kind === 'standard_webhooks' ? { channel: 'email' } : {};
    const made = await api.post('/api/providers', { key, kind, ...channel, ...SECRETS[kind] });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    addresses.set(key, (made.body as { callback_url: string }).callback_url);
  }

  /** Over a real connection, to where the address of the account leads. */
  function send(key: string, { headers, body }: SignedCallback, query_ = ''): Promise<Response> {
    const { pathname } = new URL(addressOf(key));
    return fetch(`${origin}${pathname}${query_}`, { method: 'POST', headers, body: new Uint8Array(body) });
  }

  async function taken(key: string, signed: SignedCallback, query_ = ''): Promise<void> {
    const answer = await send(key, signed, query_);
    const text = await answer.text();
    if (answer.status !== 200 || text !== '') throw new Error(`not taken: ${answer.status} ${text}`);
  }

  /** A message to this person, else to somebody else, as if this account had sent it. */
  async function sent(key: string, to?: StagedPerson): Promise<SentMessage> {
    const [{ id: userId, email }, messageId] = [to ?? (await person()), newId()];
    const [row] = await query<{ id: string }>(
      `with sent as (
          insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel, provider,
            action, template, template_version, purpose, address, state, attempt_token, deadline_at, provider_message_id,
            claimed_at)
          values (uuidv7(), $2, $1, uuidv7(), 'run', 'step', 1, $4, $5, 'offer', 'offer', 1, 'marketing', $3, 'sent',
            gen_random_uuid(), clock_timestamp(), $2, clock_timestamp())
          returning id, user_id, decision_id, claimed_at, channel, purpose, action
        ), ledger as (
          insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, action, state)
          select sent.*, 'sent' from sent
        )
        select id from sent`,
      ...[userId, messageId, email, key === 'twilio' ? 'sms' : 'email', key],
    );
    return { id: row?.id ?? '', messageId };
  }

  async function stateOf(delivery: string): Promise<{ state: string; opens: number; clicks: number }> {
    const text = 'select state, open_count as opens, click_count as clicks from deliveries where id = $1';
    const [row] = await query<{ state: string; opens: number; clicks: number }>(text, delivery);
    if (row === undefined) throw new Error('no such delivery');
    return row;
  }

  async function list(filter: string): Promise<readonly CallbackView[]> {
    const { status, body } = await api.get(`/api/callbacks?${filter}`);
    if (status !== 200) throw new Error(`not listed: ${status} ${JSON.stringify(body)}`);
    return (body as { data: CallbackView[] }).data;
  }

  /** @param where a condition in SQL */
  async function countOf(where = 'true'): Promise<number> {
    const [row] = await query<{ n: number }>(`select count(*)::int as n from provider_callbacks where ${where}`);
    return row?.n ?? 0;
  }

  async function allApplied(): Promise<void> {
    let waiting = 0;
    const isSo = async (): Promise<boolean> => (waiting = await countOf(`state = 'received'`)) === 0;
    await until(isSo, APPLIED_MS_MAX, () => `${waiting} callbacks wait`);
  }

  /** Lets time pass for what waits to be tried again. */
  async function dueNow(): Promise<void> {
    await query(
      `update provider_callbacks set next_attempt_at = date_trunc('milliseconds', clock_timestamp()) where next_attempt_at is not null`,
    );
    app.get(CallbackApplier).kick();
  }

  for (const kind of KINDS) await register(kind);
  return {
    ...{ app, api, origin, addresses, query, addressOf, register, send, taken, person, sent },
    ...{ stateOf, list, countOf, allApplied, dueNow },
    /** "It has arrived", in the words of each provider. */
    arrived: wordsOfArrival(addressOf('twilio')),
    close: (): Promise<void> => app.close(),
  };
}

const wordsOfArrival = (twilioAddress: string): Readonly<Record<Kind, (message: SentMessage) => SignedCallback>> => ({
  sendgrid: ({ messageId }) => gridSays(grid('delivered', { messageId })),
  mailgun: ({ messageId }) =>
    signMailgun(
      { event: 'delivered', id: newId(), message: { headers: { 'message-id': messageId } } },
      nowS(),
      newId(),
    ),
  ses: ({ messageId }) =>
    notification({ eventType: 'Delivery', mail: { messageId } }, newId(), new Date().toISOString()),
  postmark: ({ messageId }) => signPostmark({ RecordType: 'Delivery', MessageID: messageId, DeliveredAt: newId() }),
  twilio: ({ messageId }) => signTwilio(twilioAddress, { MessageSid: messageId, MessageStatus: 'delivered' }),
  standard_webhooks: ({ id }) =>
    signStandard({ type: 'message.delivered', data: { delivery_id: id } }, { id: newId(), timestampS: nowS() }),
});
