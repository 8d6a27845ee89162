import { globSync, readFileSync } from 'node:fs';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import type { SimulationView, StartedSimulationView } from '../../src/modules/simulations/simulations.dto.js';
import { simulateEach, type SimulatedRun } from '../support/simulated-runs.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';
import { turnsOf } from '../support/turns.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const DOMAIN = 'twin';
const BROWSE = 'browse_abandonment';
const TRIAL = 'trial_ending';
const SPAN_DAYS = 60;

/** One person, and what is so about them before they enter. */
interface Person {
  readonly what: string;
  readonly journey?: string;
  readonly profile?: object;
  readonly attributes?: object;
  readonly consents?: readonly object[];
  readonly suppression?: object;
  /** What they do, so long after they entered, or before. */
  readonly events?: readonly (readonly [name: string, afterMs: number, properties?: object])[];
}

const granted = [{ status: 'granted' }];
const serious = { product_pages: 20, visitor_type: 'returning' };
const soon = (afterMs: number): string => new Date(Date.now() + afterMs).toISOString();

/** In five days' time, in the trial's last days. */
const trial = { trial_ends_on: soon(5 * DAY_MS).slice(0, 10) };
const login = ['login', -HOUR_MS] as const;
const sawPlans = ['page_viewed', 4 * DAY_MS, { page: 'plans' }] as const;

const ON_TRIAL: readonly Person[] = [
  ...['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', null].map((timezone) => ({
    what: `on trial, in ${timezone}`,
    profile: { timezone },
    events: [login],
  })),
  { what: 'on trial without an end', attributes: {}, events: [login] },
  { what: 'on trial with a plan', attributes: { ...trial, plan: 'pro' }, events: [login] },
  { what: 'on trial and never there' },
  { what: 'on trial without consent', consents: [], events: [login] },
  { what: 'on trial, who looked at the plans', events: [login, sawPlans] },
  { what: 'on trial, who looked elsewhere', events: [login, ['page_viewed', 4 * DAY_MS, { page: 'home' }]] },
  {
    what: 'on trial, who comes again and again',
    events: [login, ['login', 4 * DAY_MS], ['login', 6 * DAY_MS], sawPlans],
  },
  { what: 'on trial, who buys', events: [login, ['purchase', 3 * DAY_MS, { amount: 5 }]] },
  { what: 'on trial, who pays nothing', events: [login, ['purchase', 3 * DAY_MS, { amount: 0 }]] },
  { what: 'on trial, who stays free', events: [login, ['plan_changed', 4 * DAY_MS, { plan: 'free_for_ever' }]] },
  { what: 'on trial, who is suppressed', suppression: { reason: 'manual' }, events: [login, sawPlans] },
].map((person) => ({ attributes: trial, ...person, journey: TRIAL }) as Person);

const PEOPLE: readonly Person[] = [
  ...ON_TRIAL,
  { what: 'serious, in Berlin' },
  { what: 'serious, in New York', profile: { timezone: 'America/New_York' } },
  { what: 'serious, in Kathmandu', profile: { timezone: 'Asia/Kathmandu' } },
  { what: 'serious, on Lord Howe', profile: { timezone: 'Australia/Lord_Howe' } },
  { what: 'serious, in Apia', profile: { timezone: 'Pacific/Apia' } },
  { what: 'known by a number alone, in several zones', profile: { timezone: null, phone: '+12025550123' } },
  { what: 'in a place with several zones', profile: { timezone: null, jurisdiction: 'US-FL' } },
  { what: 'nowhere', profile: { timezone: null } },
  { what: 'without consent', consents: [] },
  { what: 'who withdrew', consents: [{ status: 'granted' }, { status: 'withdrawn' }] },
  { what: 'whose consent ends on the second day', consents: [{ status: 'granted', expires_at: soon(2 * DAY_MS) }] },
  { what: 'suppressed', suppression: { reason: 'manual' } },
  { what: 'suppressed for a day and a half', suppression: { reason: 'manual', until: soon(1.5 * DAY_MS) } },
  { what: 'without an address', profile: { email: null, external_id: 'no-address' } },
  { what: 'who looked at little', attributes: { product_pages: 3, visitor_type: 'new' } },
  { what: 'who needs help', attributes: { product_minutes: 40, page_value: 0, product_pages: 3 } },
  { what: 'who is new', attributes: { ...serious, visitor_type: 'new' } },
  { what: 'who buys at once', events: [['purchase', 20 * MINUTE_MS]] },
  { what: 'who buys on the next day', events: [['purchase', 30 * HOUR_MS]] },
  { what: 'who buys while the last message is put off', events: [['purchase', 3 * DAY_MS]] },
  { what: 'who buys on the ninth day', events: [['purchase', 9 * DAY_MS]] },
  { what: 'who does something else', events: [['visit', 10 * HOUR_MS]] },
];

/** One question and its answer, as both worlds tell of it. */
interface Told {
  readonly step: string;
  readonly visit: number;
  readonly ask: number;
  readonly outcome: string;
  readonly action: string | null;
  readonly reason: string | null;
  readonly until: number | null;
  readonly at: number;
}

interface Lived {
  readonly person: Person;
  readonly userId: string;
  readonly run: RunView;
  readonly told: readonly Told[];
  readonly startedAt: number;
  /** When the workflow came to each of its turns. */
  readonly turnsAt: readonly number[];
}

describe('a simulation beside the run that it foretells', () => {
  let tactful: Tactful;
  let lived: readonly Lived[];

  beforeAll(async () => {
    tactful = await startTactful();
    await definitions();
    const enrolled: { person: Person; userId: string; runId: string }[] = [];
    for (const person of PEOPLE) enrolled.push(await enter(person));
    const found: Lived[] = [];
    for (const { person, userId, runId } of enrolled) found.push(await liveThrough(person, userId, runId));
    lived = found;
  }, 5 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function definitions(): Promise<void> {
    const example = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object;
    for (const [kind, url] of [
      ['message-template', '/api/message-templates'],
      ['action', '/api/actions'],
      ['journey', '/api/journeys/templates'],
    ] as const) {
      for (const file of globSync(`examples/{browse-abandonment,trial-ending}/${kind}.*.json`).sort())
        await tactful.post(url, example(file));
    }
    for (const key of [BROWSE, TRIAL]) await tactful.post(`/api/journeys/templates/${key}/publish`, {});
    const cap = { kind: 'cap', limit: 1, window: { kind: 'rolling', duration: 'P4D' }, on_hit: 'defer' };
    const gap = { kind: 'cap', scope: { kind: 'tag', tag: 'browse' }, limit: 1, on_hit: 'defer' };
    const week = { ...gap, window: { kind: 'calendar', unit: 'day' } };
    const sundays = { kind: 'quiet_hours', start: '06:00', end: '22:00', weekdays: [7] };
    await tactful.post('/api/policies', { key: 'four_days', definition: cap });
    await tactful.post('/api/policies', { key: 'one_a_day', definition: week });
    await tactful.post('/api/policies', { key: 'sundays', definition: sundays });
  }

  async function enter(person: Person): Promise<{ person: Person; userId: string; runId: string }> {
    const { profile = {}, attributes = serious, consents = granted, suppression, events = [] } = person;
    const email = `${crypto.randomUUID()}@example.org`;
    const user = { email, timezone: 'Europe/Berlin', ...profile, attributes };
    const { id: userId } = await tactful.post<{ id: string }>('/api/users', user);
    for (const consent of consents) {
      await tactful.post('/api/consents', { user_id: userId, channel: 'email', source: 'spec', ...consent });
    }
    if (suppression !== undefined) await tactful.post('/api/suppressions', { user_id: userId, ...suppression });
    for (const [name, afterMs, properties = {}] of events) {
      const domain = afterMs > 0 ? { clock_domain: DOMAIN } : {};
      const event = { user_id: userId, event_type: 'track', event_name: name, properties, ...domain };
      await tactful.post('/api/events', { ...event, timestamp: soon(afterMs) });
    }
    const wish = { journey: person.journey ?? BROWSE, clock_domain: DOMAIN };
    const { id: runId } = await tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, wish);
    return { person, userId, runId };
  }

  async function liveThrough(person: Person, userId: string, runId: string): Promise<Lived> {
    const run = await until(
      () => tactful.get<RunView>(`/api/runs/${runId}`),
      ({ ended_at }) => ended_at !== null,
    );
    const rows = await tactful.query<{ step: string; visit: number; ask: number; answer: StepAnswer; at: number }>(
      `select step_id as step, visit, ask, answer, asked_at as at from step_answers where run_key = $1
        order by asked_at, ask`,
      run.run_key,
    );
    const { startedAt, turnsAt } = await turnsOf(tactful.temporal.workflow.getHandle(run.workflow_id));
    const told = rows.map(({ answer, ...question }) => ({
      ...question,
      outcome: answer.kind,
      action: answer.kind === 'sent' ? answer.action : null,
      reason: 'reason' in answer ? answer.reason : null,
      until: answer.kind === 'defer' ? answer.until : null,
    }));
    return { person, userId, run, told, startedAt, turnsAt };
  }

  async function foretell(
    { person, run: real, userId, startedAt }: Lived,
    turnsAt: readonly number[] | null,
  ): Promise<SimulatedRun> {
    let turn = 0;
    const late = turnsAt === null ? {} : { reachedAt: (dueAt: number) => turnsAt[turn++] ?? dueAt };
    const events = { kind: 'history', clockDomain: DOMAIN } as const;
    const whom = { journey: person.journey ?? BROWSE, version: 1, userIds: [userId], runKey: real.run_key };
    const wish = { ...whom, from: startedAt, days: SPAN_DAYS, events };
    const run = (await simulateEach(tactful.app, { ...wish, ...late })).get(userId);
    if (run === undefined) throw new Error(`${userId} was not simulated`);
    return run;
  }

  const toTold = ({ decisions }: SimulatedRun): readonly Told[] =>
    decisions.map(({ stepId: step, visit, ask, outcome, action, reason, until: wakeAt, at }) => {
      return { step, visit, ask, outcome, action, reason, until: wakeAt, at };
    });

  it('has people whose runs differ in every way that the journey and the rules know', () => {
    const seen = new Set(lived.flatMap(({ told }) => told.map(({ outcome, reason }) => `${outcome} ${reason ?? ''}`)));
    expect(lived.length).toBeGreaterThanOrEqual(12);
    for (const expected of [
      'sent ',
      'skip CONSENT_EXPIRED',
      'do_nothing CONSENT_MISSING',
      'do_nothing CONSENT_WITHDRAWN',
    ]) {
      expect(seen).toContain(expected);
    }
    for (const expected of [
      'defer CAP_REACHED',
      'do_nothing SUPPRESSED_MANUAL',
      'do_nothing ADDRESS_MISSING',
      'do_nothing NOTHING_ELIGIBLE',
    ]) {
      expect(seen).toContain(expected);
    }
    const exits = ['exit_event:purchase', 'exit_event:plan_changed'];
    const ends = ['not_bought', 'goal:purchase', 'lapsed', 'paid', 'no_end_date'];
    expect(new Set(lived.map(({ run }) => run.reason))).toEqual(new Set([...exits, ...ends]));
    const tried = new Set(lived.flatMap(({ told }) => told.map(({ step }) => step)));
    for (const step of ['remind', 'tell_a_story', 'offer_help', 'last_message']) expect(tried).toContain(step);
  });

  it('gives the same decisions, user by user, by the clock of the real run: every field, to the millisecond', async () => {
    for (const one of lived) {
      const foretold = await foretell(one, one.turnsAt);
      expect([one.person.what, ...toTold(foretold)]).toEqual([one.person.what, ...one.told]);
      const { state, reason, ended_at } = one.run;
      const endedAt = Date.parse(ended_at ?? '');
      expect(foretold.end).toMatchObject({ kind: 'ended', outcome: state, reason, at: endedAt });
    }
  });

  it('foretells them without that clock too: only instants differ, by what the machines were late', async () => {
    for (const one of lived) {
      const foretold = toTold(await foretell(one, null));
      const withoutInstants = (told: readonly Told[]) => told.map(({ until: _, at: __, ...rest }) => rest);
      expect([one.person.what, ...withoutInstants(foretold)]).toEqual([one.person.what, ...withoutInstants(one.told)]);
      for (const [index, { at }] of foretold.entries()) expect(one.told[index]?.at).toBeGreaterThanOrEqual(at);
    }
  });

  it('counts over the API what really was', async () => {
    // A run of another key draws other lengths of its random waits.
    for (const { userId, startedAt, told, run } of lived.filter(({ person }) => person.journey === undefined)) {
      const started = await tactful.post<StartedSimulationView>(`/api/journeys/templates/${BROWSE}/simulate`, {
        version: 1,
        users: { ids: [userId] },
        from: new Date(startedAt).toISOString(),
        days: SPAN_DAYS,
        events: { kind: 'history', clock_domain: DOMAIN },
      });
      const { state, result } = await until(
        () => tactful.get<SimulationView>(`/api/journeys/simulations/${started.id}`),
        (view) => view.state !== 'queued' && view.state !== 'running',
      );
      const sent = told.filter(({ outcome }) => outcome === 'sent').length;
      const ends = [{ outcome: run.state, reason: run.reason, count: 1 }];
      expect([state, result]).toMatchObject(['done', { users: 1, decisions: told.length, sent, ends }]);
    }
  });
});
