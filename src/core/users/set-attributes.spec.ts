import fc from 'fast-check';
import { setAttributes } from './set-attributes.js';

const profile = {
  lifecycleStage: 'trial',
  attributes: { plan: 'free', trial: { day: 3, ended: false }, tags: ['a'], nothing: null },
};
const set = (values: Readonly<Record<string, string | number | boolean | null>>) => setAttributes(profile, values);

describe('setAttributes', () => {
  it('sets the stage, an attribute, one within another one, and one where nothing was', () => {
    const changes = {
      lifecycle_stage: 'won',
      'attributes.plan': 'pro',
      'attributes.trial.ended': true,
      'attributes.score.last.value': 7,
      'attributes.nothing.more': 1,
    };
    expect(set(changes)).toEqual({
      lifecycleStage: 'won',
      attributes: {
        plan: 'pro',
        trial: { day: 3, ended: true },
        tags: ['a'],
        nothing: { more: 1 },
        score: { last: { value: 7 } },
      },
    });
    expect(profile.attributes.plan).toBe('free');
    expect(profile.attributes.trial.ended).toBe(false);
  });

  it('takes away with null, and makes nothing for it', () => {
    expect(
      set({ lifecycle_stage: null, 'attributes.trial.day': null, 'attributes.plan': null, 'attributes.x.y': null }),
    ).toEqual({ lifecycleStage: null, attributes: { trial: { ended: false }, tags: ['a'], nothing: null } });
  });

  it.each([
    ['another part of the profile', 'email'],
    ['all attributes at once', 'attributes'],
    ['an empty name', 'attributes.'],
    ['an empty name on the way', 'attributes..plan'],
    ['a way through a text', 'attributes.plan.tier'],
    ['a way through a list', 'attributes.tags.first'],
    ['the machinery of objects', 'attributes.__proto__.admin'],
    ['a constructor', 'attributes.constructor'],
    ['eleven parts', `attributes${'.a'.repeat(10)}`],
    ['a stage with more behind it', 'lifecycle_stage.x'],
  ])('refuses %s', (_what, path) => {
    expect(set({ 'attributes.plan': 'pro', [path]: 'x' })).toBeNull();
  });

  it('takes what every object inherits for nothing that is there', () => {
    expect(set({ 'attributes.toString': 'x' })?.attributes['toString']).toBe('x');
    expect(set({ 'attributes.valueOf.deep': 1 })?.attributes['valueOf']).toEqual({ deep: 1 });
    expect(set({ 'attributes.hasOwnProperty.deep': null })?.attributes).toEqual(profile.attributes);
  });

  it('done twice is as done once', () => {
    const paths = fc.constantFrom('attributes.plan', 'attributes.trial.day', 'attributes.new.part', 'lifecycle_stage');
    const values = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.dictionary(paths, values), (changes) => {
        const once = setAttributes(profile, changes);
        expect(once).not.toBeNull();
        if (once === null) return;
        const again = setAttributes({ ...once, lifecycleStage: once.lifecycleStage as string | null }, changes);
        expect(again).toEqual(once);
      }),
    );
  });
});
