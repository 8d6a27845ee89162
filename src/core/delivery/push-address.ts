/** Whose service carries notifications to a device. */
export const PUSH_PLATFORMS = ['fcm', 'webpush'] as const;

/** Whose service carries notifications to a device. */
export type PushPlatform = (typeof PUSH_PLATFORMS)[number];

/** A device, as its platform names it. No part holds white space. */
export type PushAddress =
  | { readonly platform: 'fcm'; readonly token: string }
  | {
      readonly platform: 'webpush';
      /** Where the browser's push service takes messages for it. */
      readonly endpoint: string;
      /** The browser's public key: a P-256 point of 65 bytes in base64url. */
      readonly p256dh: string;
      /** 16 secret bytes in base64url. */
      readonly auth: string;
    };

/**
 * The address of a device as one text: what deliveries keep, and what is compared.
 *
 * @example writePushAddress({ platform: 'fcm', token: 'd1:APA91b' }) // 'fcm d1:APA91b'
 */
export function writePushAddress(address: PushAddress): string {
  return address.platform === 'fcm'
    ? `fcm ${address.token}`
    : `webpush ${address.endpoint} ${address.p256dh} ${address.auth}`;
}

/** The device behind a text of `writePushAddress`; null for any other text. */
export function readPushAddress(text: string): PushAddress | null {
  const [platform, first = '', p256dh = '', auth = '', ...more] = text.split(' ');
  if (first === '' || more.length > 0) return null;
  if (platform === 'fcm') return p256dh === '' ? { platform, token: first } : null;
  if (platform !== 'webpush' || p256dh === '' || auth === '') return null;
  return { platform, endpoint: first, p256dh, auth };
}

/** What tells a device from all others; the keys of a subscription may change. */
export function pushIdentity(address: PushAddress): string {
  return address.platform === 'fcm' ? `fcm ${address.token}` : `webpush ${address.endpoint}`;
}
