import { jest } from '@jest/globals';
import { Rounds } from './rounds.js';

const EVERY_MS = 1_000;

class Counted extends Rounds {
  begun = 0;
  gate = Promise.resolve();

  constructor() {
    super(EVERY_MS, 'a round failed');
    jest.spyOn(this.logger, 'warn').mockImplementation(() => undefined);
  }

  protected async round(): Promise<void> {
    this.begun += 1;
    await this.gate;
  }
}

describe('rounds', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('are made again and again', async () => {
    const counted = new Counted();
    counted.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(3 * EVERY_MS);
    expect(counted.begun).toBe(3);
  });

  it('are made one at a time, and at once when one is wanted', async () => {
    const counted = new Counted();
    const gate = Promise.withResolvers<void>();
    counted.gate = gate.promise;
    counted.kick();
    counted.kick();
    expect(counted.begun).toBe(1);
    gate.resolve();
    await jest.advanceTimersByTimeAsync(0);
    counted.kick();
    expect(counted.begun).toBe(2);
  });

  it('go on after one that failed', async () => {
    const counted = new Counted();
    counted.gate = Promise.reject(new Error('down'));
    counted.kick();
    await jest.advanceTimersByTimeAsync(0);
    counted.gate = Promise.resolve();
    counted.kick();
    expect(counted.begun).toBe(2);
  });

  it('end with the process, the one under way first', async () => {
    const counted = new Counted();
    const gate = Promise.withResolvers<void>();
    counted.gate = gate.promise;
    counted.onApplicationBootstrap();
    counted.kick();
    let isClosed = false;
    const closed = counted.beforeApplicationShutdown().then(() => (isClosed = true));
    await jest.advanceTimersByTimeAsync(5 * EVERY_MS);
    expect([counted.begun, isClosed]).toEqual([1, false]);
    gate.resolve();
    await closed;
    counted.kick();
    expect(counted.begun).toBe(1);
  });
});
