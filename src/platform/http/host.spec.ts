import { isHostAllowed } from './host.js';

describe('isHostAllowed', () => {
  it.each<[string | undefined, boolean]>([
    ['localhost:8000', true],
    ['127.0.0.1', true],
    ['[::1]:8000', true],
    ['journeys.example.com', true],
    ['journeys.example.com:443', true],
    ['JOURNEYS.example.com', true],
    [undefined, false],
    ['', false],
    [':8000', false],
    ['127.0.0.1.evil.example', false],
    ['evil.example/localhost', false],
    ['localhost:8000:1', false],
    ['journeys.example.com.evil.example', false],
    ['192.168.0.1', false],
  ])('%s: %s', (host, expected) => {
    expect(isHostAllowed(host, 'https://journeys.example.com')).toBe(expected);
  });
});
