import { audienceHash } from './audience-hash.js';

describe('what a platform knows a person by', () => {
  // By sha256sum, of `ada@example.org` and of `442079460000`.
  it.each([
    ['email', ' Ada@Example.ORG ', 'cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d'],
    ['phone', '+44 (0)20 7946 0000', '38e62b3e091778f9214de3aa00ae498aa4b78433d73dec5977eb2ec1c8be4a69'],
  ] as const)('is the hash of the %s in one way of writing: %s', (kind, address, hash) => {
    expect(audienceHash(kind, address)).toBe(hash);
  });

  it.each([
    ['email', 'nobody'],
    ['phone', '0301234'],
  ] as const)('is nothing for what is no %s', (kind, address) => {
    expect(audienceHash(kind, address)).toBeNull();
  });
});
