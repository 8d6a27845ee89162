import type { ConsentRecord } from '../../src/core/consent/consent-record.js';
import { DAY_MS, HOUR_MS } from '../../src/core/kernel/instant.js';
import type { Suppression } from '../../src/core/suppression/suppression.js';
import { append, type UserRow } from './model.js';
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
      put(scene, id, { purpose, channel, brand, status: 'granted', statedAt, receivedAt: statedAt, expiresAt });
    }
  }
}

type Stated = Omit<ConsentRecord, 'id' | 'basis' | 'isObjection'> & { readonly isObjection?: boolean };

function put(scene: Scene, userId: string, stated: Stated): void {
  const id = `c${String((scene.store.consents.get(userId)?.length ?? 0) + 1).padStart(4, '0')}`;
  append(scene.store.consents, userId, { id, basis: 'consent', isObjection: false, ...stated });
  scene.note(userId, () => `consent ${id} ${JSON.stringify(stated)}`);
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
    until: random.chance(0.6) ? clockOf(scene) + random.int(1, 72) * HOUR_MS : null,
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
