import { Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { RunSignals } from '../journeys/index.js';
import { UsersService, type UserReference } from '../users/index.js';
import type { HoldInput, HoldView } from './holds.dto.js';
import { HoldsRepository, type HoldRow } from './holds.repository.js';

/** Why those who wait are woken. */
const LIFTED = 'hold_lifted';

/**
 * Keeps single people from being contacted: no message goes out, on whatever basis, and no journey is entered. What runs
 * would send is put off. Written under the user's lock, so that no claim slips in after it.
 */
@Injectable()
export class HoldsService {
  constructor(
    private readonly database: Database,
    private readonly holds: HoldsRepository,
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /**
   * Puts a hold on a user, in place of one that stands. The same again changes nothing.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED, UnprocessableEntityException HOLD_IS_OVER
   */
  async hold(reference: UserReference, { reason, until: end }: HoldInput, principal: string): Promise<HoldView> {
    const until = end ?? null;
    if (until !== null && Date.parse(until) <= this.clock.now()) {
      throw new UnprocessableEntityException({ code: 'HOLD_IS_OVER', detail: 'the hold would have ended before now' });
    }
    const userId = await this.users.resolve(reference);
    const isReplaced = await this.database.transaction(async (transaction) => {
      const former = await this.lockedHold(transaction, userId);
      const isSame = former?.reason === reason && former.until === toInstant(until);
      if (isSame) return false;
      await this.holds.lift(transaction, userId);
      await this.holds.insert(transaction, { userId, reason, heldBy: principal, until });
      // The reason is a person's own matter, and the trail outlives the person.
      await this.audit.write(transaction, { principal, action: 'user.hold', subject: userId, detail: { until } });
      // Those who wait for the former one would sleep on.
      if (former !== null) await this.signals.wake(transaction, [userId], LIFTED);
      return former !== null;
    });
    if (isReplaced) this.signals.kick();
    return this.find(reference);
  }

  /** @throws NotFoundException USER_UNKNOWN, HOLD_UNKNOWN; GoneException USER_ERASED */
  async find(reference: UserReference): Promise<HoldView> {
    const row = await this.holds.standing(await this.users.resolve(reference));
    if (row === null) throw new NotFoundException({ code: 'HOLD_UNKNOWN', detail: 'there is no hold on this user' });
    return toHoldView(row);
  }

  /** Lifts the hold and wakes the user's runs; without one it changes nothing. @throws as `find`, but HOLD_UNKNOWN */
  async lift(reference: UserReference, principal: string): Promise<void> {
    const userId = await this.users.resolve(reference);
    await this.database.transaction(async (transaction) => {
      if ((await this.lockedHold(transaction, userId)) === null) return;
      await this.holds.lift(transaction, userId);
      await this.audit.write(transaction, { principal, action: 'user.release', subject: userId });
      await this.signals.wake(transaction, [userId], LIFTED);
    });
    this.signals.kick();
  }

  private async lockedHold(transaction: Transaction, userId: string): Promise<HoldRow | null> {
    const living = await this.users.lock(transaction, [userId]);
    if (!living.has(userId)) throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
    return this.holds.standing(userId, transaction);
  }
}

const toInstant = (text: string | null): number | null => (text === null ? null : Date.parse(text));

const toHoldView = ({ userId, reason, heldBy, since, until }: HoldRow): HoldView => ({
  user_id: userId,
  reason,
  held_by: heldBy,
  since: new Date(since).toISOString(),
  until: until === null ? null : new Date(until).toISOString(),
});
