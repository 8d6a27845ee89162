import fc from 'fast-check';
import { judgeSending } from './sending-health.js';

const MIN = 1_000;

describe('whether marketing may go out from a domain', () => {
  it.each([
    [0, 0, 0, 'active', null],
    [1_000, 0, 0, 'active', null],
    [100_000, 0, 99, 'active', null],
    [100_000, 0, 100, 'slowed', 'complaints'],
    [100_000, 0, 299, 'slowed', 'complaints'],
    [100_000, 0, 300, 'paused', 'complaints'],
    [1_000, 0, 3, 'paused', 'complaints'],
    [10, 0, 1, 'active', null],
    [999, 999, 999, 'active', null],
    [1_000, 0, 1, 'slowed', 'complaints'],
    [1_000, 0, 2, 'slowed', 'complaints'],
    [100_000, 1_999, 0, 'active', null],
    [100_000, 2_000, 0, 'slowed', 'bounces'],
    [100_000, 4_999, 0, 'slowed', 'bounces'],
    [100_000, 5_000, 0, 'paused', 'bounces'],
    [100_000, 5_000, 100, 'paused', 'bounces'],
    [100_000, 5_000, 300, 'paused', 'complaints'],
    // What bounced was delivered to nobody.
    [101_000, 1_000, 300, 'paused', 'complaints'],
  ] as const)('%i taken, %i bounced, %i complained about: %s', (taken, bounced, complained, state, reason) => {
    expect(judgeSending({ taken, bounced, complained }, MIN)).toMatchObject({ state, reason });
  });

  it('is never better for one more complaint or bounce, nor worse for one more that arrived, once there is enough to judge by', () => {
    const severity = { active: 0, slowed: 1, paused: 2 };
    const count = fc.nat(5_000);
    fc.assert(
      fc.property(count, count, count, (more, bounced, complained) => {
        const delivered = more + MIN;
        const of = (added: { delivered?: number; bounced?: number; complained?: number }): number =>
          severity[
            judgeSending(
              {
                taken: delivered + bounced + (added.delivered ?? 0) + (added.bounced ?? 0),
                bounced: bounced + (added.bounced ?? 0),
                complained: complained + (added.complained ?? 0),
              },
              MIN,
            ).state
          ];
        expect(of({ complained: 1 })).toBeGreaterThanOrEqual(of({}));
        expect(of({ bounced: 1 })).toBeGreaterThanOrEqual(of({}));
        expect(of({ delivered: 1 })).toBeLessThanOrEqual(of({}));
      }),
    );
  });

  it('refuses counts that cannot be', () => {
    expect(() => judgeSending({ taken: 1, bounced: 0, complained: 0 }, 0)).toThrow();
    expect(() => judgeSending({ taken: -1, bounced: 0, complained: 0 }, MIN)).toThrow();
  });
});
