import { PolicyDefinition } from './policies.dto.js';
import { readDefinition } from './read-definition.js';

const law = { kind: 'legal_overlay', jurisdictions: ['FR'], start: '00:00', end: '00:00', source: 'a law' };

describe('readDefinition', () => {
  it.each<[string, object, boolean]>([
    ['for whole days', law, true],
    ['for 21 hours', { ...law, end: '21:00' }, true],
    ['for 20 hours', { ...law, end: '20:00' }, false],
    ['that says that it is long', { ...law, allow_long: true }, true],
  ])('reads a law %s', (_what, stored, allowLong) => {
    expect(readDefinition(stored)).toEqual(PolicyDefinition.parse({ ...law, ...stored, allow_long: allowLong }));
  });

  it.each<[string, unknown]>([
    ['a law that says that it is not', { ...law, allow_long: false }],
    ['a law with a field that laws do not have', { ...law, channel: 'sms' }],
    ['a law without a start', { ...law, start: undefined }],
    ['a law with a start that is none', { ...law, start: 'noon' }],
    ['quiet hours that are long by chance', { kind: 'quiet_hours', start: '00:00', end: '00:00' }],
    ['nothing', null],
  ])('fails on %s', (_what, stored) => {
    expect(() => readDefinition(stored)).toThrow();
  });
});
