import { BadRequestException } from '@nestjs/common';
import { toPage, toPageRequest } from './paging.js';

const rows = (count: number): { id: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: `01890a5d-ac96-774b-bcce-${String(index).padStart(12, '0')}` }));
const pageOf = (count: number, limit: number) =>
  toPage(
    rows(count),
    { after: null, limit },
    ({ id }) => id,
    ({ id }) => id,
  );

describe('paging', () => {
  it.each([
    [0, 2, 0, false],
    [1, 2, 1, false],
    [2, 2, 2, false],
    [3, 2, 2, true],
  ])('of %i rows read for a limit of %i shows %i; more: %s', (count, limit, shown, hasMore) => {
    const page = pageOf(count, limit);
    expect(page.data).toHaveLength(shown);
    expect(page.next_cursor !== null).toBe(hasMore);
  });

  it('goes on after the last row shown', () => {
    const { next_cursor } = pageOf(3, 2);
    expect(toPageRequest({ cursor: next_cursor ?? '' })).toEqual({ after: rows(2)[1]?.id, limit: 50 });
  });

  it.each([
    'nonsense',
    '',
    'eyJhZnRlciI6MX0',
    Buffer.from('{"after":"x"}').toString('base64url'),
    Buffer.from('null').toString('base64url'),
  ])('refuses the cursor %s', (cursor) => {
    expect(() => toPageRequest({ cursor })).toThrow(BadRequestException);
  });
});
