import type { Client } from './client.js';

/** Makes a marketing e-mail with an action of the same key for each of the keys; the first is worth most. */
export async function makeActions(api: Client, ...keys: readonly string[]): Promise<void> {
  for (const [rank, key] of keys.entries()) {
    await made(api.post('/api/message-templates', { key, ...TEMPLATE }));
    await made(api.post('/api/actions', { key, name: key, template: key, value: keys.length - rank }));
  }
}

/** Records what a person says about marketing by e-mail, now. */
export async function state(api: Client, userId: string, status: 'granted' | 'withdrawn'): Promise<void> {
  await made(api.post('/api/consents', { user_id: userId, channel: 'email', status, source: 'spec' }));
}

/** Makes a person with an e-mail address who agreed to marketing. */
export async function consenting(api: Client, profile: object = {}): Promise<string> {
  people += 1;
  const id = await api.user({ email: `marketing-${people}@example.org`, ...profile });
  await state(api, id, 'granted');
  return id;
}

let people = 0;

const TEMPLATE = {
  channel: 'email',
  purpose: 'marketing',
  subject: 'News',
  html: '<p>News</p><p><a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>',
  text: 'News\n{{ unsubscribe_url }}\n{{ company.address }}',
};

async function made(answer: ReturnType<Client['post']>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`not made: ${status} ${JSON.stringify(body)}`);
}
