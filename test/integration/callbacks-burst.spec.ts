import { jest } from '@jest/globals';
import fc from 'fast-check';
import { grid, gridSays, openCallbackStage, type CallbackStage } from '../support/callback-stage.js';

jest.setTimeout(300_000);

describe('callbacks of providers, in numbers', () => {
  let stage: CallbackStage;

  beforeAll(async () => {
    stage = await openCallbackStage();
  });
  afterAll(() => stage.close());

  it('in any order and any number end in one state, with exact counts', async () => {
    const EVENTS = ['processed', 'delivered', 'open', 'open', 'click', 'dropped', 'bounce', 'spamreport'] as const;
    const words = fc.subarray([...EVENTS.keys()], { minLength: 1 });
    const order = (all: readonly number[]): fc.Arbitrary<readonly number[]> =>
      fc
        .subarray([...all])
        .map((again) => [...all, ...again])
        .chain((list) => fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }));
    const sequences = words.chain((all) =>
      fc.tuple(fc.constant(all), order(all), fc.array(fc.nat(6), { maxLength: 4 })),
    );
    const rank = ['sent', 'failed', 'delivered', 'bounced', 'complained'];
    const stateAfter = (event: string): string =>
      ({ processed: 'sent', dropped: 'failed', bounce: 'bounced', spamreport: 'complained' })[event] ?? 'delivered';
    await fc.assert(
      fc.asyncProperty(sequences, async ([all, told, cuts]) => {
        const message = await stage.sent('sendgrid');
        const said = EVENTS.map((event) => grid(event, message));
        const places = [...new Set([0, ...cuts.filter((cut) => cut < told.length), told.length])].sort((a, b) => a - b);
        const requests = places
          .slice(1)
          .map((end, index) => told.slice(places[index], end).map((place) => said[place] ?? {}));
        await Promise.all(requests.map((events) => stage.taken('sendgrid', gridSays(...events))));
        await stage.allApplied();
        const events = all.map((place) => EVENTS[place] ?? '');
        const state = rank[Math.max(...events.map((event) => rank.indexOf(stateAfter(event))))];
        const timesOf = (event: string): number => events.filter((each) => each === event).length;
        expect(await stage.stateOf(message.id)).toEqual({ state, opens: timesOf('open'), clicks: timesOf('click') });
      }),
      { numRuns: 25 },
    );
  });

  it('lose none of 10,000 that come as fast as they can', async () => {
    const [CALLBACKS, MESSAGES, AT_ONCE, EACH_TWICE] = [10_000, 20, 16, 10];
    const messages = await Promise.all(Array.from({ length: MESSAGES }, () => stage.sent('sendgrid')));
    const before = await stage.countOf();
    let next = 0;
    async function sender(): Promise<void> {
      while (next < CALLBACKS) {
        const place = (next += 1);
        const message = messages[place % MESSAGES];
        if (message === undefined) throw new Error('no message');
        const signed = gridSays(grid(place % 4 === 0 ? 'click' : 'open', message));
        await stage.taken('sendgrid', signed);
        if (place % EACH_TWICE === 0) await stage.taken('sendgrid', signed);
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
    await stage.allApplied();
    expect((await stage.countOf()) - before).toBe(CALLBACKS);
    const counted = await Promise.all(messages.map(({ id }) => stage.stateOf(id)));
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
    expect(sum(counted.map(({ opens }) => opens))).toBe(CALLBACKS * 0.75);
    expect(sum(counted.map(({ clicks }) => clicks))).toBe(CALLBACKS * 0.25);
  }, 900_000);
});
