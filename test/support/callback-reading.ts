import type { CallbackContent, CallbackEvent } from '../../src/modules/callbacks/callback-event.js';
import type { CallbackScheme } from '../../src/modules/callbacks/schemes/scheme.js';

export const DELIVERY = '01890a5d-ac96-774b-bcce-b302099a8057';
export const ADDRESS = 'https://reach.example.org/callbacks/a/b';
export const ISO = '2027-06-15T01:30:00.000Z';
export const AT = Date.parse(ISO);
export const AT_S = AT / 1_000;
export const PERSON = 'ada.lovelace@example.org';
export const NO_SECRETS = { settings: {}, credentials: {} };

/** What a body says, in the protocol of a provider. @param body a text stands for itself */
export const read = (scheme: CallbackScheme, body: string | object, url = ADDRESS): CallbackContent =>
  scheme.read(
    {
      url,
      headers: { 'webhook-id': 'msg_1' },
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    },
    NO_SECRETS,
  );

export function events(scheme: CallbackScheme, body: string | object, url = ADDRESS): readonly CallbackEvent[] {
  const content = read(scheme, body, url);
  return content.kind === 'events' ? content.events : [content.event];
}

export const kinds = (scheme: CallbackScheme, body: string | object): readonly string[] =>
  events(scheme, body).map(({ kind }) => kind);
