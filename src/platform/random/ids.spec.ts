import { newId } from './ids.js';

describe('newId', () => {
  it('never gives an id twice, and each is a UUID of version 7 of this millisecond', () => {
    const before = Date.now();
    const ids = Array.from({ length: 2_000 }, newId);
    const after = Date.now();
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const madeAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
      expect(madeAt).toBeGreaterThanOrEqual(before);
      expect(madeAt).toBeLessThanOrEqual(after);
    }
  });

  it('is random in all its free bits', () => {
    const ids = Array.from({ length: 2_000 }, () => newId().replaceAll('-', ''));
    for (const place of [13, 14, 15, ...Array.from({ length: 15 }, (_, index) => 17 + index)]) {
      expect(new Set(ids.map((id) => id[place])).size).toBe(16);
    }
  });
});
