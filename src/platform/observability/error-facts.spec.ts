import { errorFacts, type ErrorFacts } from './error-facts.js';

const depthOf = ({ cause }: ErrorFacts): number => (cause === undefined ? 0 : 1 + depthOf(cause));

describe('errorFacts', () => {
  it('takes type, message, stack and code, and nothing else that an error carries', () => {
    const error = Object.assign(new RangeError('too far'), {
      code: 'ERR_FAR',
      detail: 'Jane',
      response: { body: 'Jane' },
    });
    const facts = errorFacts(error);
    expect(Object.keys(facts).sort()).toEqual(['code', 'message', 'stack', 'type']);
    expect(facts).toMatchObject({ type: 'RangeError', message: 'too far', code: 'ERR_FAR' });
    expect(facts.stack).toMatch(/^RangeError: too far\n\s+at /);
  });

  it('follows causes so far, also in a circle', () => {
    const error = new Error('circle');
    error.cause = error;
    expect(depthOf(errorFacts(error))).toBe(4);
  });

  it('says what was thrown when it was no error, and not what it held', () => {
    expect(errorFacts('text')).toMatchObject({ type: 'string', message: 'text' });
    expect(errorFacts({ name: 'Jane' })).toEqual({
      type: 'object',
      message: 'something of type object was thrown',
      stack: '',
    });
  });
});
