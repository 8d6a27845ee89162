import { PreviewRequest } from './preview.dto.js';

const fatigue = { kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3 };

describe('PreviewRequest', () => {
  it.each<[string, object]>([
    ['a cap', { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } }],
    ['quiet hours', { kind: 'quiet_hours', start: '21:00', end: '08:00' }],
    ['a law', { kind: 'legal_overlay', jurisdictions: ['FR'], start: '21:00', end: '08:00', source: 'a law' }],
    [
      'a pause',
      { kind: 'pause', outcomes: ['dismissed'], count: 3, within: 'P7D', scope: 'action', pause_for: 'P30D' },
    ],
    ['a threshold of fatigue', { ...fatigue, threshold: 0.9 }],
    ['a holdout with its salt', { kind: 'holdout', share: 0.1, salt: 'spring' }],
  ])('takes %s', (_what, definition) => {
    expect(PreviewRequest.safeParse({ definition }).error).toBeUndefined();
  });

  it.each<[string, object, string, string]>([
    ['fatigue that only costs', fatigue, 'definition.threshold', 'without a threshold'],
    ['a holdout of nobody knows whom', { kind: 'holdout', share: 0.1 }, 'definition.salt', 'who is held out'],
    ['a lever', { kind: 'lever', target: 'issue', name: 'a', weight: 1 }, 'definition.kind', 'stop none'],
    ['an arbitration', { kind: 'arbitration' }, 'definition.kind', 'stop none'],
    ['an unknown kind', { kind: 'yawn' }, 'definition.kind', 'Invalid'],
  ])('refuses %s, and says why', (_what, definition, path, reason) => {
    const { error } = PreviewRequest.safeParse({ definition });
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(reason);
  });

  it('refuses what is none at all', () => {
    for (const definition of [undefined, null, 'cap']) {
      expect(PreviewRequest.safeParse({ definition }).error?.issues).toMatchObject([{ path: ['definition'] }]);
    }
  });
});
