import type { InstantMs } from '../../core/kernel/instant.js';

/** How a subscriber wants events written. */
export type EventFormat = 'standard' | 'cloudevents';

/** One thing that happened. */
export interface StreamEvent {
  /** UUID of version 7; the same in every attempt. */
  readonly id: string;
  readonly type: string;
  /** What it is about, as a path below `/api`. */
  readonly subject: string;
  /** When it was recorded. */
  readonly at: InstantMs;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A body with its type. */
interface EventMessage {
  readonly contentType: string;
  readonly body: string;
}

/**
 * An event as it leaves: as Standard Webhooks recommends, or as a CloudEvent 1.0 in the structured mode of its HTTP
 * binding (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md). The same event
 * is the same body each time, so that every attempt says the same.
 *
 * @param how.source URI of this Tactful: together with its id an event is one of its kind in the world
 */
export function toMessage(
  { id, type, subject, at, data }: StreamEvent,
  { format, source }: { readonly format: EventFormat; readonly source: string },
): EventMessage {
  const time = new Date(at).toISOString();
  switch (format) {
    case 'standard':
      return { contentType: 'application/json', body: JSON.stringify({ type, timestamp: time, data }) };
    case 'cloudevents': {
      const attributes = { specversion: '1.0', id, source, type: `tactful.${type}`, subject, time };
      const body = JSON.stringify({ ...attributes, datacontenttype: 'application/json', data });
      return { contentType: 'application/cloudevents+json', body };
    }
  }
}
