import { jest } from '@jest/globals';
import { Circuit } from './circuit.js';

describe('a circuit', () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => jest.restoreAllMocks());

  function broken(): Circuit {
    const circuit = new Circuit();
    for (let failure = 0; failure < 5; failure += 1) circuit.note(false);
    return circuit;
  }

  it('opens at the fifth failure in a row', () => {
    const circuit = new Circuit();
    for (const isThrough of [false, false, false, false, true, false, false, false, false]) {
      circuit.note(isThrough);
      expect(circuit.isClosed).toBe(true);
    }
    circuit.note(false);
    expect(circuit.isClosed).toBe(false);
  });

  it('lets messages try after 30 s; a failure begins the rest anew', () => {
    const circuit = broken();
    now = 29_999;
    expect(circuit.isClosed).toBe(false);
    now = 30_000;
    expect(circuit.isClosed).toBe(true);
    circuit.note(false);
    expect(circuit.isClosed).toBe(false);
    now = 60_000;
    expect(circuit.isClosed).toBe(true);
  });

  it('is as new once a message goes through', () => {
    const circuit = broken();
    circuit.note(true);
    expect(circuit.isClosed).toBe(true);
    circuit.note(false);
    expect(circuit.isClosed).toBe(true);
  });
});
