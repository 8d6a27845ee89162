import type { ConsentRecord } from '../../src/core/consent/consent-record.js';
import { gateConsent } from '../../src/core/consent/gate-consent.js';
import { NewConsent } from '../../src/modules/consents/consents.dto.js';
import { NewEvent } from '../../src/modules/events/events.dto.js';
import { UserBatch } from '../../src/modules/users/users.dto.js';
import { readSessions, type ShopSession } from '../../tools/demo/online-shoppers.js';
import { chooseAbandoned, toConsents, toEvents, toLaterPurchase, toUser } from '../../tools/demo/records.js';
import { inventFacts, type ConsentStory } from '../../tools/demo/synthetic.js';

const SEED = 1;
const IMPORTED_AT = Date.UTC(2027, 0, 15, 12);
const sessions = readSessions();

function sessionWith(story: ConsentStory): ShopSession {
  const found = sessions.find(({ number }) => inventFacts(SEED, number).consent === story);
  if (found === undefined) throw new Error(`nobody has the story ${story}`);
  return found;
}

describe('what the demo sends', () => {
  it('is what the API takes, for people of every kind', () => {
    const users = sessions.filter(({ number }) => number % 25 === 0).map((session) => toUser(SEED, session));
    expect(UserBatch.safeParse({ users }).error?.issues).toBeUndefined();
    for (const session of sessions.slice(0, 300)) {
      const later = toLaterPurchase(SEED, session, { at: IMPORTED_AT, clockDomain: 'demo' });
      for (const event of [...toEvents(SEED, session, IMPORTED_AT), ...(later === null ? [] : [later])]) {
        expect(NewEvent.safeParse(event).error?.issues).toBeUndefined();
      }
      for (const consent of toConsents(SEED, session, IMPORTED_AT)) {
        expect(NewConsent.safeParse(consent).error?.issues).toBeUndefined();
      }
    }
  });

  it('names every event once, the same at every import', () => {
    const idsAt = (importedAt: number): string[] =>
      sessions.flatMap((session) => toEvents(SEED, session, importedAt).map(({ message_id }) => message_id));
    const ids = idsAt(IMPORTED_AT);
    expect(new Set(ids).size).toBe(ids.length);
    expect(idsAt(IMPORTED_AT + 86_400_000)).toEqual(ids);
  });

  it('lies in the past, but for later purchases', () => {
    const times = sessions.flatMap((session) =>
      toEvents(SEED, session, IMPORTED_AT).map(({ timestamp }) => Date.parse(timestamp)),
    );
    expect(times.filter((at) => at > IMPORTED_AT)).toEqual([]);
  });

  it('holds at most two statements for a person, so that 250 people fit into one request', () => {
    const most = Math.max(...sessions.map((session) => toConsents(SEED, session, IMPORTED_AT).length));
    expect(most).toBe(2);
  });

  it('makes other people for another seed', () => {
    const [first] = sessions;
    if (first === undefined) throw new Error('no session');
    expect(toUser(1, first).external_id).toBe('shopper-1-00001');
    expect(toUser(2, first).external_id).toBe('shopper-2-00001');
    expect(toUser(2, first).email).toBe('shopper-2-00001@shop.example');
  });
});

describe('toConsents', () => {
  it.each<[ConsentStory, string]>([
    ['granted', 'pass'],
    ['never_asked', 'CONSENT_MISSING'],
    ['withdrawn', 'CONSENT_WITHDRAWN'],
    ['denied', 'CONSENT_DENIED'],
    ['expired', 'CONSENT_EXPIRED'],
  ])('tells the story %s so that the gate answers %s', (story, expected) => {
    const consents = toConsents(SEED, sessionWith(story), IMPORTED_AT).map((statement, index): ConsentRecord => ({
      id: String(index),
      purpose: 'marketing',
      channel: statement.channel,
      brand: 'default',
      status: statement.status,
      basis: 'consent',
      statedAt: Date.parse(statement.stated_at),
      receivedAt: IMPORTED_AT,
      isObjection: false,
      expiresAt: statement.expires_at === undefined ? null : Date.parse(statement.expires_at),
    }));
    const verdict = gateConsent({
      consents,
      purpose: 'marketing',
      channel: 'email',
      brand: 'default',
      now: IMPORTED_AT,
      legalBasis: 'consent',
    });
    expect(verdict.kind === 'pass' ? 'pass' : verdict.reason).toBe(expected);
  });
});

describe('chooseAbandoned', () => {
  it('takes people who looked at products and bought nothing', () => {
    const chosen = chooseAbandoned(SEED, sessions, 1_000);
    expect(chosen).toHaveLength(1_000);
    expect(chosen.filter(({ productPages, isPurchase }) => productPages === 0 || isPurchase)).toEqual([]);
    expect(chooseAbandoned(SEED, sessions, 12_330)).toHaveLength(10_390);
  });

  it('keeps everybody when more are asked for', () => {
    const few = chooseAbandoned(SEED, sessions, 10).map(({ number }) => number);
    const many = chooseAbandoned(SEED, sessions, 100).map(({ number }) => number);
    expect(many.slice(0, 10)).toEqual(few);
    expect(chooseAbandoned(SEED + 1, sessions, 10).map(({ number }) => number)).not.toEqual(few);
  });
});
