import fc from 'fast-check';
import { toMessage, type StreamEvent } from './event-message.js';

const source = 'https://journeys.example.com';
const event: StreamEvent = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  type: 'delivery.sent',
  subject: 'deliveries/1',
  at: Date.UTC(2027, 5, 15, 1, 30),
  data: { delivery_id: '1', reason: null },
};

describe('an event as it leaves', () => {
  it('has type, time and data, as Standard Webhooks recommends', () => {
    expect(toMessage(event, { format: 'standard', source })).toEqual({
      contentType: 'application/json',
      body: '{"type":"delivery.sent","timestamp":"2027-06-15T01:30:00.000Z","data":{"delivery_id":"1","reason":null}}',
    });
  });

  it('is a CloudEvent in structured JSON where that is wanted', () => {
    const { contentType, body } = toMessage(event, { format: 'cloudevents', source });
    expect(contentType).toBe('application/cloudevents+json');
    expect(JSON.parse(body)).toEqual({
      specversion: '1.0',
      id: event.id,
      source,
      type: 'tactful.delivery.sent',
      subject: 'deliveries/1',
      time: '2027-06-15T01:30:00.000Z',
      datacontenttype: 'application/json',
      data: event.data,
    });
  });

  it('is the same text in every attempt, and loses nothing of its data', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(null))),
        fc.constantFrom('standard' as const, 'cloudevents' as const),
        (data, format) => {
          const { body } = toMessage({ ...event, data }, { format, source });
          expect(toMessage({ ...event, data: { ...data } }, { format, source }).body).toBe(body);
          expect((JSON.parse(body) as { data: unknown }).data).toEqual(JSON.parse(JSON.stringify(data)));
        },
      ),
    );
  });
});
