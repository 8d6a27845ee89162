import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StreamDispatcher } from '../../src/modules/event-stream/stream-dispatcher.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from './app.js';
import { clientOf, type Answer } from './client.js';
import { until } from './until.js';
import { startReceiver, type ReceivedHook, type Receiver } from './webhook-receiver.js';

export const TOLD_MS_MAX = 50_000;

/** An event of a subscription, as the API lists it. */
export interface EventView {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly because: string | null;
}

/** An attempt, as the API lists it. */
interface AttemptView {
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly attempt: number;
  readonly state: string;
  readonly status: number | null;
  readonly because: string | null;
  readonly duration_ms: number;
  readonly answer: string | null;
  readonly at: string;
}

/** A server that subscribes under a key, and what it shares with us. */
interface Subscriber {
  readonly key: string;
  readonly secret: string;
  readonly receiver: Receiver;
}

export type EventStage = Awaited<ReturnType<typeof openEventStage>>;

/** What an event says, in either form. */
export const told = (hook: ReceivedHook): { readonly type: string; readonly data: Readonly<Record<string, unknown>> } =>
  JSON.parse(hook.body) as never;
export const idOf = (hook: ReceivedHook): string => String(hook.headers['webhook-id']);

/** The API, and subscribers with servers of their own. */
export async function openEventStage(settings: Readonly<Record<string, string>> = {}) {
  const app: NestFastifyApplication = await createTestApp({ OUTBOX_POLL_MS: '60000', ...settings });
  jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
  const api = clientOf(app);
  const receivers: Receiver[] = [];

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function done(answering: Promise<Answer>): Promise<never> {
    const { status, body } = await answering;
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Registers an endpoint with a receiver behind it, and a subscription, both under `key`. */
  async function subscribe(key: string, types: readonly string[], more: object = {}): Promise<Subscriber> {
    const receiver = await startReceiver();
    receivers.push(receiver);
    const endpoint = await done(
      api.post('/api/webhook-endpoints', { key, name: key, url: receiver.url(), ...('secret' in more ? more : {}) }),
    );
    const { secret: _, ...rest } = more as { secret?: string };
    await done(api.post('/api/event-subscriptions', { key, name: key, endpoint: key, types, ...rest }));
    return { key, receiver, secret: (endpoint as { secret: string }).secret };
  }

  /** A person says something; the event of it is told like any other. @returns the id of the record */
  async function consent(userId: string, more: object = {}): Promise<string> {
    const statement = { user_id: userId, channel: 'email', status: 'granted', source: 'spec', ...more };
    return ((await done(api.post('/api/consents', statement))) as { id: string }).id;
  }

  /** Waits until a receiver has so many events. */
  async function arrived({ receiver, key }: Subscriber, count: number): Promise<readonly ReceivedHook[]> {
    const what = (): string => `${key} has ${receiver.received.length} of ${count} events`;
    await until(() => receiver.received.length >= count, TOLD_MS_MAX, what);
    return receiver.received;
  }

  const list = async <View>(path: string): Promise<readonly View[]> =>
    ((await done(api.get(`/api/event-subscriptions/${path}`))) as { data: readonly View[] }).data;
  const events = (key: string, filter = ''): Promise<readonly EventView[]> => list(`${key}/events?limit=200${filter}`);
  const attempts = (key: string, filter = ''): Promise<readonly AttemptView[]> =>
    list(`${key}/attempts?limit=200${filter}`);
  const find = async (
    key: string,
  ): Promise<{ state: string; reason: string | null; held_until: string | null; failing_since: string | null }> =>
    done(api.get(`/api/event-subscriptions/${key}`));

  /** Waits until all events of a subscription are as wanted. */
  async function settled(key: string, isSo: (events: readonly EventView[]) => boolean): Promise<readonly EventView[]> {
    let views: readonly EventView[] = [];
    const isReached = async (): Promise<boolean> => isSo((views = await events(key)));
    await until(isReached, TOLD_MS_MAX, () => JSON.stringify(views));
    return views;
  }

  /** Lets the time pass for which messages, and their subscriber, wait. */
  async function dueNow(key: string): Promise<void> {
    await query(
      `with rested as (update event_subscriptions set held_until = null where key = $1 returning id)
        update stream_messages set next_attempt_at = date_trunc('milliseconds', clock_timestamp()) from rested
        where subscription_id = rested.id and next_attempt_at is not null`,
      key,
    );
    app.get(StreamDispatcher).kick();
  }

  return {
    ...{ app, api, query, done, subscribe, consent, arrived, list, events, attempts, find, settled, dueNow },
    patch: (key: string, change: object): Promise<never> => done(api.patch(`/api/event-subscriptions/${key}`, change)),
    post: (path: string, body: object = {}): Promise<never> => done(api.post(`/api/event-subscriptions/${path}`, body)),
    /** Receivers first: what hangs at them ends with them. */
    async close(): Promise<void> {
      for (const receiver of receivers) await receiver.stop();
      await app.close();
    },
  };
}
