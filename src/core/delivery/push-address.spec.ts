import fc from 'fast-check';
import { pushIdentity, readPushAddress, writePushAddress, type PushAddress } from './push-address.js';

const part = fc.string({ minLength: 1 }).filter((text) => !/\s/.test(text));
const address: fc.Arbitrary<PushAddress> = fc.oneof(
  fc.record({ platform: fc.constant('fcm' as const), token: part }),
  fc.record({ platform: fc.constant('webpush' as const), endpoint: part, p256dh: part, auth: part }),
);

describe('the address of a device', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(readPushAddress(writePushAddress(given))).toEqual(given);
      }),
    );
  });

  it.each([
    '',
    'fcm',
    'fcm ',
    'fcm a b',
    'webpush https://push.example',
    'webpush a b',
    'webpush a b c d',
    'ada@example.org',
  ])('is not %j', (text) => expect(readPushAddress(text)).toBeNull());

  it('is of one device whatever its keys, and never of two platforms', () => {
    const one = { platform: 'webpush', endpoint: 'https://push.example/1', p256dh: 'k', auth: 'a' } as const;
    expect(pushIdentity(one)).toBe(pushIdentity({ ...one, p256dh: 'other', auth: 'other' }));
    expect(pushIdentity(one)).not.toBe(pushIdentity({ platform: 'fcm', token: one.endpoint }));
    expect(pushIdentity(one)).not.toBe(pushIdentity({ ...one, endpoint: 'https://push.example/2' }));
  });
});
