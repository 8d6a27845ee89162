import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
/** Random bytes for the ids to come: asking for them costs more than an id, so they are fetched for many at once. */
const reserve = Buffer.alloc(ID_BYTES * 256);
let used = reserve.length;

/**
 * A UUID version 7 (RFC 9562): ordered by the millisecond in which it was made, otherwise random.
 * Made here rather than by the database where an id must be known before the row is written.
 */
export function newId(): string {
  const bytes = nextBytes();
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Bytes that nobody else gets. */
function nextBytes(): Buffer {
  if (used === reserve.length) {
    randomFillSync(reserve);
    used = 0;
  }
  used += ID_BYTES;
  return reserve.subarray(used - ID_BYTES, used);
}
