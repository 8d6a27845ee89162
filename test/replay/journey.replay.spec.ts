import { jest } from '@jest/globals';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { fromSetup } from '../support/environment.js';
import { historyNames, readHistory, type JsonHistory } from '../support/histories.js';
import { bundleForStrictReplay, replayStrictly, StrictReplayError } from '../support/strict-replay.js';

const PATHS_MIN = 6;

// Bundling for strict replay takes seconds on a busy machine.
jest.setTimeout(300_000);

const sinks = { progress: { report: { fn: () => undefined } } };
const replay = (history: JsonHistory): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') }, sinks }, history, 'run');

/** A copy in which every `from` reads `to`; fails when there is none, because then it would prove nothing. */
function altered(name: string, from: string, to: string): JsonHistory {
  const text = JSON.stringify(readHistory(name));
  const copy = text.replaceAll(from, to);
  if (copy === text) throw new Error(`${name} has no ${from}`);
  return JSON.parse(copy) as JsonHistory;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A payload of the history with one thing changed in its JSON, in the base64 that it is kept in. */
function alteredPayload(name: string, from: string, to: string): JsonHistory {
  const history = JSON.stringify(readHistory(name));
  const payloads = [...history.matchAll(/"data":"([^"]+)"/g)].map(([, data = '']) => data);
  const payload = payloads.find((data) => Buffer.from(data, 'base64').toString('utf8').includes(from));
  if (payload === undefined) throw new Error(`${name} has no payload with ${from}`);
  const text = Buffer.from(payload, 'base64').toString('utf8');
  return JSON.parse(history.replaceAll(payload, base64(text.replace(from, to)))) as JsonHistory;
}

describe('recorded histories', () => {
  let strictCode = '';
  beforeAll(async () => {
    // The refused histories are expected: keep the SDK's warnings about them out of the report.
    const telemetryOptions = { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } };
    Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR'), telemetryOptions });
    strictCode = await bundleForStrictReplay();
  });

  it('cover every kind of path', () => {
    expect(historyNames().length).toBeGreaterThanOrEqual(PATHS_MIN);
  });

  it.each(historyNames())('%s replays', async (name) => {
    await replay(readHistory(name));
  });

  it.each(historyNames())('%s replays strictly', async (name) => {
    await replayStrictly(strictCode, readHistory(name));
  });

  it('refuses a history in which another activity was scheduled', async () => {
    const other = altered(
      'engine-1.real.event',
      '"activityType":{"name":"runStep"}',
      '"activityType":{"name":"sendMail"}',
    );
    await expect(replay(other)).rejects.toThrow(DeterminismViolationError);
  });

  it.each<[string, () => JsonHistory]>([
    ['an activity got another argument', () => alteredPayload('engine-1.real.event', '"visit":1', '"visit":2')],
    ['another condition was asked about', () => alteredPayload('engine-1.real.choose', '"at_least":3', '"at_least":4')],
    ['something else was done', () => alteredPayload('engine-1.real.act', '"endpoint":"crm"', '"endpoint":"erp"')],
    ['another moment was asked for', () => alteredPayload('engine-1.real.wait-until', '"days":-3', '"days":-2')],
    ['other events were looked for', () => alteredPayload('engine-1.virtual.goal', '"value":100', '"value":101')],
    [
      'an activity had another time-out',
      () => altered('engine-1.real.event', '"startToCloseTimeout":"30s"', '"startToCloseTimeout":"31s"'),
    ],
    [
      'an activity was repeated otherwise',
      () => altered('engine-1.real.event', '"maximumInterval":"60s"', '"maximumInterval":"61s"'),
    ],
    [
      'a timer had another length',
      () => altered('engine-1.real.timeout', '"startToFireTimeout":"1s"', '"startToFireTimeout":"2s"'),
    ],
    [
      'a search attribute had another value',
      () => altered('engine-1.real.timeout', base64('"waiting"'), base64('"resting"')),
    ],
    [
      'a summary read otherwise',
      () => alteredPayload('engine-1.real.event', 'hello: message, visit 1, ask 1', 'hello'),
    ],
    [
      'the result was another one',
      () => alteredPayload('engine-1.real.event', '{"outcome":"completed","reason":"won"}', '{}'),
    ],
  ])('refuses, where plain replay sees nothing, a history in which %s', async (_what, history) => {
    await replay(history());
    await expect(replayStrictly(strictCode, history())).rejects.toThrow(StrictReplayError);
  });
});
