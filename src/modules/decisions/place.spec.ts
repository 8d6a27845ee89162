import { decide } from '../../core/decisions/decide.js';
import { candidate, decisionInput, grant, quietRule, userWith } from '../../../test/support/decision-input.js';
import { placeOf } from './place.js';

const NOBODY = { timezone: null, contextTimezone: null, phone: null, jurisdiction: null };
const texas = quietRule({ id: 'texas', origin: 'law', channels: ['sms'], jurisdictions: ['US-TX'], endMinute: 540 });

describe('the place of a person', () => {
  it('in New York with a number of Texas is under the law of Texas by the clocks of Texas', () => {
    const place = placeOf({ ...NOBODY, timezone: 'America/New_York', phone: '+17135550100' }, 'UTC');
    expect(place).toEqual({
      zones: ['America/New_York'],
      zoneSource: 'profile',
      jurisdictions: ['US-TX'],
      placesElsewhere: [{ place: 'US-TX', zones: ['America/Chicago', 'America/Denver'] }],
    });
    const decideAt = (now: string) =>
      decide(
        decisionInput({
          now: Date.parse(now),
          readyAt: Date.parse(now),
          user: userWith(place),
          candidates: [candidate('hello', { channel: 'sms' })],
          consents: [grant({ channel: 'sms' })],
          quietRules: [texas],
        }),
      );
    // 08:05 in Houston, 09:05 in New York.
    expect(decideAt('2027-06-15T13:05:00Z')).toMatchObject({ outcome: { kind: 'defer', reason: 'QUIET_HOURS' } });
    expect(decideAt('2027-06-15T15:00:00Z')).toMatchObject({ outcome: { kind: 'act' } });
  });

  it('lies elsewhere only where its clocks do', () => {
    const floridian = { ...NOBODY, timezone: 'America/New_York', phone: '+13055550100', jurisdiction: 'US-NY' };
    expect(placeOf(floridian, 'UTC')).toMatchObject({ jurisdictions: ['US-FL', 'US-NY'], placesElsewhere: [] });
    expect(placeOf(null, 'UTC')).toMatchObject({ zones: ['UTC'], jurisdictions: [], placesElsewhere: [] });
  });
});
