import { ECDH } from 'node:crypto';
import { z } from 'zod';
import { PUSH_PLATFORMS } from '../../core/delivery/push-address.js';
import { lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const TOKEN_MAX = 4_096;
const URL_MAX = 2_000;
const NAME_MAX = 100;
const POINT_BYTES = 65;
const AUTH_BYTES = 16;
const UNPADDED = /^[\w-]+$/;

const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');

/** An uncompressed point that lies on the curve (RFC 8291 section 2.1). */
function isPoint(text: string): boolean {
  if (!UNPADDED.test(text) || bytesOf(text).length !== POINT_BYTES || bytesOf(text)[0] !== 4) return false;
  try {
    ECDH.convertKey(bytesOf(text), 'prime256v1');
    return true;
  } catch {
    return false;
  }
}

/** What is no URL at all is told already. */
function isBare(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}

const names = {
  app: lineOfText(NAME_MAX).nullable().default(null).meta({ description: 'Of which app or site.', example: 'shop' }),
  label: lineOfText(NAME_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'For whoever looks at the user.', example: 'Firefox on Linux' }),
};

const endpoint = z
  .url({ protocol: /^https?$/ })
  .max(URL_MAX)
  .refine((text) => isBare(text), 'a URL without user, password or fragment')
  .meta({
    description: '`https` and a public address; on one machine without authentication also `http` and private ones.',
    example: 'https://push.example.com/send/dQw4w9WgXcQ',
  });

const keys = z.strictObject({
  p256dh: z.string().refine(isPoint, 'a point of P-256: 65 bytes in base64url').meta({
    example: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  }),
  auth: z
    .string()
    .refine((text) => UNPADDED.test(text) && bytesOf(text).length === AUTH_BYTES, '16 bytes in base64url')
    .meta({ example: 'BTBZMqHH6r4Tts7J_aSIgg' }),
});

const FcmDevice = z.strictObject({
  platform: z.literal('fcm'),
  token: z
    .string()
    .max(TOKEN_MAX)
    .regex(/^[\x21-\x7e]+$/, 'a registration token: visible characters, no space')
    .meta({ example: 'dGhpcyBpcyBub3Q:APA91bHun4' }),
  ...names,
});

const WebPushDevice = z.strictObject({
  platform: z.literal('webpush'),
  subscription: z
    .strictObject({
      endpoint,
      expirationTime: z.number().nullable().optional().meta({ description: 'Taken, and not needed.' }),
      keys,
    })
    .meta({ description: 'What `JSON.stringify` makes of the browser’s PushSubscription.' }),
  ...names,
});

/** A device that an app or a browser of the user has just told of. */
export const DeviceInput = z.discriminatedUnion('platform', [FcmDevice, WebPushDevice]).meta({
  id: 'DeviceInput',
  example: { platform: 'fcm', token: 'dGhpcyBpcyBub3Q:APA91bHun4', app: 'shop', label: 'Pixel 9' },
});
export type DeviceInput = z.infer<typeof DeviceInput>;

export const DeviceQuery = z.strictObject(pageFields);
export type DeviceQuery = z.infer<typeof DeviceQuery>;

export const DeviceView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    platform: z.enum(PUSH_PLATFORMS),
    app: z.string().nullable(),
    label: z.string().nullable(),
    hint: z
      .string()
      .nullable()
      .meta({ description: 'The end of the token, or whose push service it is; null once the device is gone.' }),
    state: z.enum(['active', 'gone']).meta({ description: '`gone`: its service says that nothing reaches it.' }),
    created_at: z.iso.datetime(),
    last_seen_at: z.iso.datetime(),
    gone_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Device' });
export type DeviceView = z.infer<typeof DeviceView>;

export const DevicePage = pageOf(DeviceView);

export const SeenDeviceView = DeviceView.extend({
  replaced: z.array(z.uuid()).meta({ description: 'Devices that were forgotten because the user had too many.' }),
}).meta({ id: 'SeenDevice' });
export type SeenDeviceView = z.infer<typeof SeenDeviceView>;
