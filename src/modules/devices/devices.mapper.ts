import { readPushAddress, type PushAddress } from '../../core/delivery/push-address.js';
import type { DeviceInput, DeviceView } from './devices.dto.js';
import type { DeviceRow } from './devices.repository.js';

const HINT_CHARACTERS = 6;

const text = (instant: number): string => new Date(instant).toISOString();

export const toDeviceView = (row: DeviceRow): DeviceView => ({
  id: row.id,
  user_id: row.userId,
  platform: row.platform,
  app: row.app,
  label: row.label,
  hint: hintOf(row.address === null ? null : readPushAddress(row.address)),
  state: row.state,
  created_at: text(row.createdAt),
  last_seen_at: text(row.lastSeenAt),
  gone_at: row.goneAt === null ? null : text(row.goneAt),
});

/** The endpoint as a browser would write it, so that one device has one address. */
export function toPushAddress(input: DeviceInput): PushAddress {
  if (input.platform === 'fcm') return { platform: 'fcm', token: input.token };
  const { endpoint, keys } = input.subscription;
  return { platform: 'webpush', endpoint: new URL(endpoint).href, p256dh: keys.p256dh, auth: keys.auth };
}

/** Enough to know a device by, too little to send to it. */
function hintOf(address: PushAddress | null): string | null {
  if (address === null) return null;
  if (address.platform === 'webpush') return new URL(address.endpoint).origin;
  return address.token.length > 2 * HINT_CHARACTERS ? `…${address.token.slice(-HINT_CHARACTERS)}` : '…';
}
