import { situationOf } from './context-values.js';

const attributes = {
  lifecycle_stage: 'lead',
  attributes: { plan: 'pro', seats: 3, isNew: false, tags: ['a'], none: null },
};

describe('the situation in which is asked', () => {
  it('holds what is said and what the profile says', () => {
    const values = {
      page: 'pricing',
      plan: { attribute: 'attributes.plan' },
      seats: { attribute: 'attributes.seats' },
    };
    expect(situationOf(values, attributes)).toEqual({ page: 'pricing', plan: 'pro', seats: 3 });
    expect(
      situationOf({ stage: { attribute: 'lifecycle_stage' }, first: { attribute: 'attributes.isNew' } }, attributes),
    ).toEqual({
      stage: 'lead',
      first: false,
    });
  });

  it('has null where the profile has nothing, and leaves out what is no single value', () => {
    const values = { a: { attribute: 'attributes.none' }, b: { attribute: 'attributes.other.deep' }, c: null };
    expect(situationOf(values, attributes)).toEqual({ a: null, b: null, c: null });
    expect(situationOf({ a: { attribute: 'attributes.tags' }, b: { attribute: 'attributes' } }, attributes)).toEqual(
      {},
    );
    expect(situationOf({}, attributes)).toEqual({});
  });
});
