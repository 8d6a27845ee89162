import { randomBytes } from 'node:crypto';
import type { Endpoint } from '../exchange.js';
import type { Setting } from '../setting.js';
import {
  isObject,
  isText,
  json,
  keyOf,
  readObject,
  refused,
  textsOf,
  type Answer,
  type Message,
  type Verdict,
} from '../wire.js';
import { FcmTokens } from './fcm-token.js';

// https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send and …/v1/ErrorCode

const PAYLOAD_BYTES_MAX = 4_096;
const DATA_KEY_RESERVED = /^(from|message_type|google.*|gcm.*)$/;

type Fields = Readonly<Record<string, unknown>>;

const ERRORS: Readonly<Record<number, { readonly status: string; readonly errorCode: string | null }>> = {
  400: { status: 'INVALID_ARGUMENT', errorCode: 'INVALID_ARGUMENT' },
  401: { status: 'UNAUTHENTICATED', errorCode: null },
  403: { status: 'PERMISSION_DENIED', errorCode: 'SENDER_ID_MISMATCH' },
  404: { status: 'NOT_FOUND', errorCode: 'UNREGISTERED' },
  429: { status: 'RESOURCE_EXHAUSTED', errorCode: 'QUOTA_EXCEEDED' },
  500: { status: 'INTERNAL', errorCode: 'INTERNAL' },
  503: { status: 'UNAVAILABLE', errorCode: 'UNAVAILABLE' },
};

/** A google.rpc.Status; the field violations, where one field is to blame. */
function failure(code: number, message: string, field?: string): Answer {
  const { status, errorCode } = ERRORS[code] ?? { status: 'UNKNOWN', errorCode: null };
  const own = { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode };
  const request = {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    fieldViolations: [{ field, description: message }],
  };
  const details = [...(errorCode === null ? [] : [own]), ...(field === undefined ? [] : [request])];
  return json(code, { error: { code, message, status, ...(details.length === 0 ? {} : { details }) } });
}

/** FCM HTTP v1 and the token endpoint in front of it. */
export function playFcm({ app, exchange, book, clock, origin }: Setting): void {
  const tokens = new FcmTokens(book, clock, origin);
  const endpoint: Endpoint = {
    desk: 'fcm',
    judge({ headers, raw, params }): Verdict {
      const [, token = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
      if (!tokens.isGood(token)) return refused(failure(401, 'The request has no valid access token'));
      const project = book.now.fcm.project_id;
      if (params['project'] !== project) return refused(failure(403, 'The token is not for this project'));
      const body = readObject(raw);
      if (body === undefined) return refused(failure(400, 'Invalid JSON payload received'));
      const message = body['message'];
      if (!isObject(message)) return refused(failure(400, 'The message is missing', 'message'));
      const fault = faultOf(message);
      if (fault !== undefined) return refused(fault);
      const recipient = String(message['token'] ?? message['topic'] ?? message['condition']);
      if (book.now.fcm.unregistered.includes(recipient))
        return refused(failure(404, 'Requested entity was not found.'));
      const id = `projects/${project}/messages/0:${clock.now()}%${randomBytes(8).toString('hex')}`;
      const custom = textsOf(message['data']);
      const sent: Message = { id, recipient, key: keyOf(custom), custom, body: message };
      return { kind: 'taken', messages: body['validate_only'] === true ? [] : [sent], answer: json(200, { name: id }) };
    },
    failure: (status) => failure(status, 'told to fail'),
  };
  exchange.route(app, 'POST', '/fcm/token', tokens.endpoint());
  exchange.route(app, 'POST', '/fcm/v1/projects/:project/messages::send', endpoint);
}

function faultOf(message: Fields): Answer | undefined {
  const targets = ['token', 'topic', 'condition'].filter((name) => message[name] !== undefined);
  const [target = 'message'] = targets;
  if (targets.length !== 1 || !isText(message[target]))
    return failure(400, 'Exactly one of token, topic and condition is needed', `message.${target}`);
  const { data, notification } = message;
  if (data !== undefined && !isObject(data)) return failure(400, 'Data is a map of strings', 'message.data');
  for (const [index, [name, value]] of Object.entries(data ?? {}).entries()) {
    if (typeof value !== 'string')
      return failure(
        400,
        `Invalid value at 'message.data[${index}].value' (TYPE_STRING)`,
        `message.data[${index}].value`,
      );
    if (DATA_KEY_RESERVED.test(name)) return failure(400, `Invalid data payload key: ${name}`, 'message.data');
  }
  const bytes = Buffer.byteLength(JSON.stringify({ data, notification }));
  return bytes <= PAYLOAD_BYTES_MAX ? undefined : failure(400, 'Android message is too big', 'message');
}
