import { isUnavailable } from './unavailable.js';

const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

describe('isUnavailable', () => {
  it.each<[string, unknown, boolean]>([
    ['a refused connection', withCode('ECONNREFUSED'), true],
    ['a lost connection inside another error', new Error('query failed', { cause: withCode('08006') }), true],
    ['a deadlock', withCode('40P01'), true],
    ['a lock that did not come free', withCode('55P03'), true],
    ['a transaction that idled too long', withCode('25P03'), true],
    [
      'a connection that broke before',
      new Error('Client has encountered a connection error and is not queryable'),
      true,
    ],
    ['a month without a partition', withCode('23514'), true],
    ['a violated check', Object.assign(withCode('23514'), { constraint: 'actions_value_check' }), false],
    ['too many connections', withCode('53300'), true],
    ['a server that shuts down', withCode('57P01'), true],
    ['a full pool', new Error('timeout exceeded when trying to connect'), true],
    ['a unique violation', withCode('23505'), false],
    ['a value that cannot be stored', withCode('22021'), false],
    ['an unknown column', withCode('42703'), false],
    ['a bug', new TypeError('x is not a function'), false],
    ['no error at all', 'ECONNREFUSED', false],
  ])('%s: %s', (_what, error, expected) => {
    expect(isUnavailable(error)).toBe(expected);
  });

  it('ends on an error that is its own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(isUnavailable(error)).toBe(false);
  });
});
