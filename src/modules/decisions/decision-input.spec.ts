import { DAY_MS, HOUR_MS } from '../../core/kernel/instant.js';
import { contact, DECIDED_AT, quietRule, suppression } from '../../../test/support/decision-input.js';
import {
  actionFacts,
  definitionsOf,
  factsOf,
  question,
  runFacts,
  userFacts,
} from '../../../test/support/decision-facts.js';
import { toDecisionInput } from './decision-input.js';
import { CONTACTS_READ_MAX } from './facts.repository.js';

const definitions = definitionsOf([actionFacts('offer')]);
const sources = { facts: factsOf(), definitions, question: question(), workspaceZone: 'Europe/Berlin' };
const DAILY = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
const PAUSE = {
  kind: 'pause',
  outcomes: ['failed', 'sent'],
  count: 1,
  within: 'P1D',
  scope: 'action',
  pause_for: 'P1D',
};
const journey = { runKey: 'welcome:1', journeyKey: 'welcome', quietRules: [] };

describe('the input of a decision', () => {
  it('counts a time to live from the first question of the visit, never from the future', () => {
    const readyAtOf = (askedAt: number | null): number =>
      toDecisionInput({ ...sources, facts: factsOf({ run: runFacts({ askedAt }) }) }).readyAt;
    expect(readyAtOf(DECIDED_AT - HOUR_MS)).toBe(DECIDED_AT - HOUR_MS);
    expect(readyAtOf(DECIDED_AT + HOUR_MS)).toBe(DECIDED_AT);
    expect(readyAtOf(null)).toBe(DECIDED_AT);
  });

  it('lies before no contact and no suppression of the person, also when the clock was set back; a virtual one may', () => {
    const facts = factsOf({
      contacts: [contact({ at: DECIDED_AT + 2 })],
      suppressions: [suppression({ since: DECIDED_AT + 5 }), suppression({ since: DECIDED_AT - 5 })],
    });
    expect(toDecisionInput({ ...sources, facts }).now).toBe(DECIDED_AT + 5);
    expect(toDecisionInput({ ...sources, facts: { ...facts, suppressions: [] } }).now).toBe(DECIDED_AT + 2);
    const virtual = { ...sources.question, clockDomain: 'trial' };
    expect(toDecisionInput({ ...sources, facts, question: virtual }).now).toBe(DECIDED_AT);
  });

  it('gives each candidate the address of its channel, and none on a channel that has none', () => {
    const many = definitionsOf(
      ['email', 'sms', 'push', 'in_app', 'webhook', 'pigeon'].map((channel) => actionFacts(channel, { channel })),
    );
    const facts = factsOf({ user: userFacts({ phoneHash: 'hash-of-phone', pushHash: 'hash-of-device' }) });
    const { candidates } = toDecisionInput({ ...sources, definitions: many, facts });
    expect(candidates.map(({ key, addressHash }) => [key, addressHash])).toEqual([
      ['email', 'hash-of-email'],
      ['sms', 'hash-of-phone'],
      ['push', 'hash-of-device'],
      ['in_app', facts.user?.id],
      ['webhook', facts.user?.id],
      ['pigeon', null],
    ]);
  });

  it('records only the attributes that conditions of the weighed actions test', () => {
    const eligibility = { kind: 'equals', attribute: 'attributes.plan', value: 'pro' } as const;
    const both = definitionsOf([actionFacts('offer', { eligibility }), actionFacts('other')]);
    const attributesOf = (keys: readonly string[] | null): unknown =>
      toDecisionInput({ ...sources, definitions: both, question: question({ weighs: { kind: 'actions', keys } }) }).user
        .attributes;
    expect(attributesOf(null)).toEqual({ attributes: { plan: 'pro' } });
    expect(attributesOf(['offer'])).toEqual({ attributes: { plan: 'pro' } });
    expect(attributesOf(['other'])).toEqual({});
  });

  it('weighs exactly the actions that are named, in that order; an unknown one counts as inactive', () => {
    const asked = question({ weighs: { kind: 'actions', keys: ['gone', 'offer'] } });
    const { candidates } = toDecisionInput({ ...sources, question: asked });
    expect(candidates.map(({ key, isActive }) => [key, isActive])).toEqual([
      ['gone', false],
      ['offer', true],
    ]);
  });

  it('tells from the state of a contact that it was sent or failed, unless that was reported', () => {
    const paused = definitionsOf([actionFacts('offer')], { pause: PAUSE });
    const contacts = [
      contact({ decisionId: 'd1', state: 'bounced' }),
      contact({ decisionId: 'd2', state: 'failed' }),
      contact({ decisionId: 'd3', state: 'sending' }),
      contact({ decisionId: 'd4', state: 'unknown' }),
      contact({ decisionId: 'd5', state: 'sent' }),
      contact({ decisionId: 'd6', state: 'sent', at: DECIDED_AT - 2 * DAY_MS }),
      contact({ decisionId: 'd7', state: 'sent', at: DECIDED_AT - 2 * DAY_MS + 1 }),
    ];
    const { at, channel, purpose, action } = contact();
    const reported = { decisionId: 'd5', kind: 'sent', at: at - 1, channel, purpose, action, group: null } as const;
    const facts = factsOf({ contacts, outcomes: [reported] });
    const { outcomes } = toDecisionInput({ ...sources, definitions: paused, facts });
    expect(outcomes.map(({ decisionId, kind }) => `${decisionId} ${kind}`)).toEqual([
      'd5 sent',
      'd1 sent',
      'd2 failed',
      'd7 sent',
    ]);
  });

  it('never lies before the last contact, except in virtual time', () => {
    const facts = factsOf({ contacts: [contact({ at: DECIDED_AT + 5_000 })] });
    expect(toDecisionInput({ ...sources, facts }).now).toBe(DECIDED_AT + 5_000);
    const virtual = question({ clockDomain: 'virtual-1' });
    expect(toDecisionInput({ ...sources, facts, question: virtual }).now).toBe(DECIDED_AT);
  });

  it('is refused where contacts that were not read could fill a cap, and only there', () => {
    const capped = definitionsOf([actionFacts('offer')], { daily: DAILY });
    const contactsFrom = (oldestAt: number): ReturnType<typeof contact>[] =>
      Array.from({ length: CONTACTS_READ_MAX }, (_, index) =>
        contact({ at: index === CONTACTS_READ_MAX - 1 ? oldestAt : DECIDED_AT - index }),
      );
    const inputFor = (oldestAt: number): unknown =>
      toDecisionInput({ ...sources, definitions: capped, facts: factsOf({ contacts: contactsFrom(oldestAt) }) });
    expect(() => inputFor(DECIDED_AT - DAY_MS)).toThrow(/within the window of a cap/);
    expect(() => inputFor(DECIDED_AT - 3 * DAY_MS)).not.toThrow();
  });

  it('knows of a pause of the sending domain, and names none where there is none', () => {
    const sendingPause = { domain: 'example.com', cause: 'bounces', since: DECIDED_AT } as const;
    const inputOf = (more: Parameters<typeof factsOf>[0]): unknown =>
      toDecisionInput({ ...sources, facts: factsOf(more) });
    expect(inputOf({ sendingPause })).toMatchObject({ sendingPause });
    for (const more of [{}, { sendingPause: null }]) expect(inputOf(more)).not.toHaveProperty('sendingPause');
  });

  it('takes a run without an entry for one that has ended', () => {
    const asked = question({ journey });
    expect(toDecisionInput({ ...sources, question: asked }).run?.state).toBe('exited');
    const facts = factsOf({ run: runFacts({ state: 'paused' }) });
    expect(toDecisionInput({ ...sources, facts, question: asked }).run?.state).toBe('paused');
  });

  it('adds the quiet hours of the journey to those of everybody', () => {
    const night = quietRule({ id: 'journey:welcome', origin: 'journey' });
    const policies = { night: { kind: 'quiet_hours', start: '21:00', end: '08:00' } };
    const { quietRules } = toDecisionInput({
      ...sources,
      definitions: definitionsOf([], policies),
      question: question({ journey: { ...journey, quietRules: [night] } }),
    });
    expect(quietRules.map(({ id }) => id)).toEqual(['night', 'journey:welcome']);
  });

  it('knows nothing of the place of somebody unknown but the workspace', () => {
    const { user } = toDecisionInput({ ...sources, facts: factsOf({ user: null }) });
    expect(user).toMatchObject({ state: 'unknown', zones: ['Europe/Berlin'], zoneSource: 'workspace_default' });
  });

  it('says in the record that a zone which was given is none', () => {
    const user = userFacts({ timezone: 'Mars/Olympus', contextTimezone: 'Asia/Tokyo' });
    const input = toDecisionInput({ ...sources, facts: factsOf({ user }) });
    expect(input.user).toMatchObject({ zones: ['Asia/Tokyo'], zoneSource: 'device_after_invalid' });
  });
});
