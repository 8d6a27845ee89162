/**
 * Everything that can be told to subscribers. The triggers of the migration `event-stream` write these names; what each
 * carries stands in docs/reference/events.md.
 */
export const EVENT_TYPES = [
  'decision.made',
  'delivery.sending',
  'delivery.released',
  'delivery.sent',
  'delivery.unknown',
  'delivery.failed',
  'delivery.delivered',
  'delivery.bounced',
  'delivery.complained',
  'delivery.opened',
  'delivery.clicked',
  'consent.given',
  'consent.withdrawn',
  'consent.objected',
] as const;

/** What a subscription may ask for: one type, all types of a kind (those of later versions too), or everything. */
export const EVENT_PATTERNS = [...EVENT_TYPES, 'decision.*', 'delivery.*', 'consent.*', '*'] as const;

/** Of a message that an operator sends to see whether it arrives; nobody subscribes to it. */
export const TEST_TYPE = 'test';
