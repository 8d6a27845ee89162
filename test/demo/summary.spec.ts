import type { DecisionView } from '../../src/modules/decisions/decisions.dto.js';
import type { DeliveryView } from '../../src/modules/deliveries/deliveries.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { deliveryIdOf } from '../../tools/demo/inbox.js';
import { inboxReport, summaryTable } from '../../tools/demo/report.js';
import { checkInbox, chooseShowcases, summarise, type Records } from '../../tools/demo/summary.js';

const run = (name: string, more: Partial<RunView> = {}): RunView => ({
  id: name,
  run_key: `journey:${name}`,
  workflow_id: `journey:journey:${name}`,
  user_id: name,
  journey: 'journey',
  version: 1,
  clock_domain: 'demo',
  state: 'completed',
  step_id: 'end',
  waits_for: null,
  waits_until: null,
  reason: 'not_bought',
  started_at: '2027-01-01T00:00:00.000Z',
  ended_at: '2027-01-14T00:00:00.000Z',
  goals: [],
  ...more,
});

const decision = (id: string, name: string, outcome: DecisionView['outcome'], reason: string | null): DecisionView => ({
  id,
  user_id: name,
  source: 'step',
  run_key: `journey:${name}`,
  step_id: 'step',
  visit: 1,
  ask: 1,
  clock_domain: 'demo',
  decided_at: `2027-01-01T00:00:0${id}.000Z`,
  outcome,
  channel: outcome === 'act' ? 'email' : 'none',
  action: outcome === 'act' ? 'reminder' : 'none',
  reason,
  until: null,
});

const delivery = (id: string, name: string, template: string, state: DeliveryView['state'] = 'sent'): DeliveryView => ({
  id,
  user_id: name,
  decision_id: id,
  run_key: `journey:${name}`,
  step_id: 'step',
  visit: 1,
  channel: 'email',
  provider: 'smtp',
  action: 'reminder',
  template,
  template_version: 1,
  purpose: 'marketing',
  state,
  attempt: 1,
  provider_message_id: null,
  failure: null,
  cost: null,
  tracking: 'not_asked',
  open_count: 0,
  click_count: 0,
  clock_domain: 'demo',
  claimed_at: '2027-01-01T00:00:00.000Z',
  settled_at: null,
});

const records: Records = {
  runs: [
    run('twice'),
    run('quiet'),
    run('silent'),
    run('waits', { state: 'waiting', ended_at: null, reason: null, waits_for: 'step: wait for purchase' }),
  ],
  decisions: [
    decision('1', 'silent', 'do_nothing', 'CONSENT_MISSING'),
    decision('2', 'quiet', 'defer', 'QUIET_HOURS'),
    decision('3', 'quiet', 'act', null),
    decision('4', 'twice', 'act', null),
    decision('5', 'twice', 'act', null),
    decision('6', 'waits', 'do_nothing', 'NOTHING_ELIGIBLE'),
    decision('7', 'silent', 'do_nothing', 'CONSENT_MISSING'),
  ],
  deliveries: [
    delivery('d1', 'twice', 'reminder'),
    delivery('d2', 'twice', 'last'),
    delivery('d3', 'quiet', 'reminder'),
    delivery('d4', 'quiet', 'last', 'unknown'),
  ],
};

describe('summarise', () => {
  it('counts every record once, by its reason', () => {
    expect(summarise(records)).toEqual({
      runs: 4,
      decided: 7,
      sent: [
        ['reminder', 2],
        ['last', 1],
      ],
      otherDeliveries: [['unknown', 1]],
      silent: [
        ['CONSENT_MISSING', 2],
        ['NOTHING_ELIGIBLE', 1],
      ],
      deferred: [['QUIET_HOURS', 1]],
      waiting: [['step: wait for purchase', 1]],
      ended: [['not_bought', 3]],
    });
  });

  it('is shown with the sum of each part', () => {
    const lines = summaryTable(summarise(records)).split('\n');
    const shown = (name: string): string | undefined => lines.find((line) => line.trim().startsWith(name));
    expect(shown('sent')).toMatch(/ 3$/);
    expect(shown('silent, by reason')).toMatch(/ 3$/);
    expect(shown('CONSENT_MISSING')).toMatch(/ 2$/);
    expect(shown('ended, by how')).toMatch(/ 3$/);
  });
});

describe('the inbox', () => {
  const check = (mails: Readonly<Record<string, number>>, newNames = ['twice', 'quiet']) => {
    const newRunKeys = new Set(newNames.map((name) => `journey:${name}`));
    const mailsByDelivery = new Map(Object.entries(mails));
    return inboxReport(checkInbox(records.deliveries, { mailsByDelivery, newRunKeys }));
  };

  it('is right when every sent mail is there once', () => {
    expect(check({ d1: 1, d2: 1, d3: 1, another: 5 })).toEqual({
      text: '3 sent, and each is in the inbox exactly once',
      isFault: false,
    });
  });

  it('may hold a mail whose outcome is unknown, but not twice', () => {
    expect(check({ d1: 1, d2: 1, d3: 1, d4: 1 }).isFault).toBe(false);
    expect(check({ d1: 1, d2: 1, d3: 1, d4: 2 })).toMatchObject({ isFault: true });
  });

  it('is at fault when a mail of this demo is missing or doubled', () => {
    expect(check({ d1: 1, d2: 1 })).toEqual({
      text: 'FAULT: of 3 sent mails, 1 did not arrive: d3',
      isFault: true,
    });
    expect(check({ d1: 1, d2: 2, d3: 1 }).text).toContain('1 arrived more than once: d2');
  });

  it('may have been emptied since an earlier demo', () => {
    expect(check({ d3: 1 }, ['quiet'])).toEqual({
      text: '1 of 3 sent mails are in the inbox, each exactly once; 2 of an earlier demo are gone: was the inbox emptied?',
      isFault: false,
    });
  });

  it('says so when there is nothing to compare yet', () => {
    const nothing = checkInbox([], { mailsByDelivery: new Map([['d1', 1]]), newRunKeys: new Set() });
    expect(inboxReport(nothing)).toEqual({ text: 'no mail was sent yet', isFault: false });
  });

  it('names the delivery in each Message-ID', () => {
    expect(deliveryIdOf('<0199-abc@tactful.example>')).toBe('0199-abc');
    expect(deliveryIdOf('0199-abc@tactful.example')).toBe('0199-abc');
  });
});

describe('chooseShowcases', () => {
  it('shows two mails, a deferral and silence, each in a run of its own', () => {
    expect(chooseShowcases(records).map(({ title, run: { id }, decisionId }) => [title, id, decisionId])).toEqual([
      ['sent twice', 'twice', '4'],
      ['put off by quiet hours', 'quiet', '2'],
      ['silent: no valid consent', 'silent', '1'],
    ]);
  });

  it('shows what there is when the day was dull', () => {
    const dull = { ...records, decisions: records.decisions.filter(({ id }) => id === '6') };
    expect(chooseShowcases(dull).map(({ title }) => title)).toEqual(['silent']);
    expect(chooseShowcases({ runs: [], decisions: [], deliveries: [] })).toEqual([]);
  });
});
