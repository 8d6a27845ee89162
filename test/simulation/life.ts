import type { ConsentBasis, ConsentRecord } from '../../src/core/consent/consent-record.js';
import { addMonthsUtc, expiryOf } from '../../src/core/consent/expiry.js';
import { DAY_MS, HOUR_MS } from '../../src/core/kernel/instant.js';
import type { Suppression } from '../../src/core/suppression/suppression.js';
import { append, type ConsentRow, type UserRow } from './model.js';
import { somewhere } from './places.js';
import { BRANDS, CHANNELS, PURPOSES } from './policies.js';
import type { Random } from './random.js';
import { clockOf, type Scene } from './scene.js';

// What happens to one person outside of any journey.

/** The consents that a person brings along: mostly enough of them to be written to. */
export function firstConsents(scene: Scene, random: Random, { id }: UserRow): void {
  for (const purpose of PURPOSES) {
    for (const channel of CHANNELS) {
      if (!random.chance(0.8)) continue;
      const statedAt = clockOf(scene) - random.int(1, 400) * HOUR_MS;
      const expiresAt = random.chance(0.15) ? clockOf(scene) + random.int(1, 20) * DAY_MS : null;
      const brand = random.chance(0.7) ? '*' : random.pick(BRANDS);
      const about = { purpose, channel, brand, status: 'granted', expiresAt } as const;
      if (random.chance(0.75)) put(scene, id, { ...about, statedAt, receivedAt: statedAt });
      else put(scene, id, { ...about, ...grounds(random, statedAt) });
    }
  }
}

type Stated = Omit<ConsentRow, 'id' | 'basis' | 'isObjection'> & Partial<Pick<ConsentRow, 'basis' | 'isObjection'>>;

/** Stores a statement; what is implied ends when the law says so, as src/modules/consents does it. */
function put(scene: Scene, userId: string, stated: Stated): void {
  const id = `c${String((scene.store.consents.get(userId)?.length ?? 0) + 1).padStart(4, '0')}`;
  const row: ConsentRow = { id, basis: 'consent', isObjection: false, ...stated };
  const { basis, impliedFrom, expiresAt } = row;
  const law = impliedFrom === undefined || row.status !== 'granted' ? null : endByLaw(row, impliedFrom);
  const ends = [expiresAt, law].filter((end) => end !== null);
  append(scene.store.consents, userId, { ...row, expiresAt: ends.length === 0 ? null : Math.min(...ends) });
  scene.note(userId, () => `consent ${id} ${basis} ${JSON.stringify(stated)}`);
}

function endByLaw(
  { basis, statedAt, receivedAt }: ConsentRow,
  { evidenceKind, place }: NonNullable<ConsentRow['impliedFrom']>,
): number | null {
  const asked = { basis, jurisdiction: place, evidenceKind, statedAt: Math.min(statedAt, receivedAt) };
  return expiryOf(asked)?.expiresAt ?? null;
}

type Grounds = Pick<ConsentRow, 'basis' | 'impliedFrom' | 'statedAt' | 'receivedAt'>;

/** On what else than the person's word a grant of `at` may rest; a purchase or inquiry so old that it ends within days. */
function grounds(random: Random, at: number): Grounds {
  const basis = random.weighted<ConsentBasis>([
    ['implied', 5],
    ['legitimate_interest', 2],
    ['soft_opt_in', 2],
    ['contract', 1],
  ]);
  if (basis !== 'implied') return { basis, statedAt: at, receivedAt: at };
  const evidenceKind = random.pick(['purchase', 'inquiry'] as const);
  const place = random.pick(['CA', 'CA', 'CA-NL', 'US']);
  const old = addMonthsUtc(at, evidenceKind === 'purchase' ? -24 : -6) + random.int(1, 20) * DAY_MS;
  const statedAt = random.chance(0.6) ? old : at;
  return { basis, impliedFrom: { evidenceKind, place }, statedAt, receivedAt: statedAt };
}

/** A list from elsewhere says that the person may be written to: since long, and whatever the person said meanwhile. */
export function importConsents(scene: Scene, random: Random, userId: string): void {
  const receivedAt = clockOf(scene);
  const isOwnWord = random.chance(0.3);
  for (const purpose of random.some(PURPOSES, 0.7)) {
    const statedAt = receivedAt - (random.chance(0.5) ? 0 : random.int(1, 400) * HOUR_MS);
    const about = { purpose, channel: random.pick(['*', ...CHANNELS]), brand: '*', status: 'granted' } as const;
    const rest = isOwnWord ? { statedAt } : grounds(random, statedAt);
    put(scene, userId, { ...about, expiresAt: null, ...rest, receivedAt });
  }
}

/** The person says something about consent: at once, late, dated in the future, about one thing or about everything. */
export function stateConsent(scene: Scene, random: Random, userId: string, status: ConsentRecord['status']): void {
  const receivedAt = clockOf(scene);
  const [stated, expires] = [random.int(0, 9), random.int(0, 9)];
  const statedAt =
    stated === 0
      ? receivedAt - random.int(1, 300) * HOUR_MS
      : stated === 1
        ? receivedAt + random.int(1, 48) * HOUR_MS
        : receivedAt;
  const statement: Stated = {
    purpose: random.chance(0.3) ? '*' : random.pick(PURPOSES),
    channel: random.chance(0.4) ? '*' : random.pick(CHANNELS),
    brand: random.chance(0.7) ? '*' : random.pick(BRANDS),
    status,
    statedAt,
    receivedAt,
    expiresAt: status === 'granted' && expires < 2 ? receivedAt + random.int(1, 100) * HOUR_MS : null,
  };
  put(scene, userId, statement);
  // A form that was sent twice, with another answer, in the same millisecond.
  if (expires === 9) put(scene, userId, { ...statement, status: status === 'granted' ? 'denied' : 'granted' });
}

/** No marketing at all, from now on. */
export function objectTo(scene: Scene, userId: string): void {
  const at = clockOf(scene);
  const everything = { purpose: '*', channel: '*', brand: '*' };
  put(scene, userId, {
    ...everything,
    ...{ status: 'withdrawn', statedAt: at, receivedAt: at, expiresAt: null, isObjection: true },
  });
}

/** An address or the person is shut off from now on. */
export function suppress(scene: Scene, userId: string, more: Omit<Suppression, 'id' | 'since'>): void {
  const id = `s${scene.store.suppressions.length + 1}-${scene.store.decisions.length}`;
  const row = { id, since: clockOf(scene), userId: more.addressHash === null ? userId : null, ...more };
  scene.store.suppressions = [...scene.store.suppressions, row];
  scene.note(userId, () => `suppression ${JSON.stringify(row)}`);
}

/** A suppression of any kind. */
export function suppressSomehow(scene: Scene, random: Random, userId: string): void {
  const { addresses } = scene.store.user(userId);
  const channel = random.pick(CHANNELS);
  const address = addresses[channel];
  suppress(scene, userId, {
    addressHash: address === undefined || random.chance(0.3) ? null : address,
    channel: random.chance(0.7) ? channel : null,
    purpose: random.chance(0.3) ? random.pick(PURPOSES) : null,
    reason: random.pick(['hard_bounce', 'soft_bounce', 'complaint', 'stop', 'manual', 'unsubscribe']),
    until: random.chance(0.6) ? clockOf(scene) + random.int(1, 24) * HOUR_MS : null,
  });
}

/** An operator takes a suppression back. */
export function liftSuppression(scene: Scene, random: Random, userId: string): void {
  const held = scene.store.suppressionsOf(scene.store.user(userId)).filter(({ reason }) => reason !== 'erasure');
  if (held.length === 0) return;
  const lifted = random.pick(held);
  scene.store.suppressions = scene.store.suppressions.filter((row) => row !== lifted);
  scene.note(userId, () => `suppression ${lifted.id} is lifted`);
}

/** The person travels, or it becomes less certain where the person is. */
export function move(scene: Scene, random: Random, userId: string): void {
  const user = scene.store.user(userId);
  scene.store.users.set(userId, { ...user, ...somewhere(random) });
  scene.note(userId, () => `moves to ${scene.store.user(userId).zones.join()}`);
}

/** The person changes the plan, which conditions look at. */
export function changePlan(scene: Scene, random: Random, userId: string): void {
  const user = scene.store.user(userId);
  scene.store.users.set(userId, { ...user, attributes: { plan: random.pick(['free', 'pro']) } });
  scene.note(userId, () => `plan ${JSON.stringify(scene.store.user(userId).attributes)}`);
}

/** The person is gone for good: the runs are to end, and the addresses stay shut off. */
export function erase(scene: Scene, userId: string): void {
  const user = scene.store.user(userId);
  for (const addressHash of Object.values(user.addresses)) {
    suppress(scene, userId, { addressHash, channel: null, purpose: null, reason: 'erasure', until: null });
  }
  scene.store.users.set(userId, { ...user, isErased: true });
  for (const run of scene.store.runsOf(userId)) scene.store.putRun({ ...run, isExitRequested: true });
  scene.note(userId, () => 'is erased');
}
