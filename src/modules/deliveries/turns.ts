import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { MINUTE_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { SendingGuard, type Standing } from '../sending-domains/index.js';
import type { ProviderLine, SendResult } from './connector.js';
import type { Outlet } from './outlets.js';
import { FIRST_SLOT_WAIT_MS_MAX, SLOT_MS, SLOT_WAIT_MS_MAX, SlotsRepository, type Slot } from './slots.repository.js';

/** What comes before what. */
export interface Precedence {
  /** Whose messages share the turns evenly with those of others: a journey. */
  readonly lane: string;
  /** It stands behind all that is not, and the guards of the sending domain are about it alone. */
  readonly isMarketing: boolean;
  /** What a virtual clock sends is not counted by the guards, and not held back by them. Left out: it is real. */
  readonly isVirtual?: boolean;
}

/** A message that waits for its turn. */
interface Waiting {
  readonly channel: string;
  readonly ticket: string;
  readonly precedence: Precedence;
}

/** While marketing is slowed down it goes at this part of the rate of the account. */
const SLOWED_TO = 0.25;
/** Or, where the account has no limit, at so many messages a second. */
const SLOWED_PER_SECOND = 2;
/** A pause that came after the decision: the next one knows of it, and says how long the message may wait. */
const PAUSED_ASK_MS: DurationMs = 15 * MINUTE_MS;

const PAUSED: SendResult = { kind: 'full', retryAfterMs: PAUSED_ASK_MS, isPaused: true };

/** When which message may leave: the limits of accounts, what comes first, and the guards of the sending domain. */
@Injectable()
export class Turns {
  constructor(
    private readonly slots: SlotsRepository,
    private readonly guard: SendingGuard,
  ) {}

  /** Waits for the turn of the message, if it is near. @returns the line as far as it may be used now */
  async await({ limit }: Outlet, waiting: Waiting, open: () => Promise<ProviderLine>): Promise<ProviderLine> {
    const { ticket, precedence } = waiting;
    const isGuarded = precedence.isMarketing && precedence.isVirtual !== true && waiting.channel === 'email';
    const standing = isGuarded ? await this.guard.standing() : null;
    if (standing?.state === 'paused') return { ...(await open()), send: () => Promise.resolve(PAUSED) };
    const guarded = async (): Promise<ProviderLine> => (isGuarded ? this.guarded(await open()) : open());
    const slowed = standing?.state === 'slowed' ? await this.slowed(standing, limit, waiting) : null;
    // Not held any more than its pace asks for: a slot with the account is taken when its time has come.
    if (slowed !== null && !(await isReached(slowed, SLOT_WAIT_MS_MAX))) return fullLine(await guarded(), slowed);
    if (limit === null) return guarded();
    const isFirst = !precedence.isMarketing;
    const slot = await this.slots.take({ ...limit, ticket, lane: precedence.lane, isFirst });
    const since = new Stopwatch();
    const isHeld = await isReached(slot, isFirst ? FIRST_SLOT_WAIT_MS_MAX : SLOT_WAIT_MS_MAX);
    return isHeld ? inSlot(await guarded(), slot, since) : fullLine(await guarded(), slot);
  }

  /** When marketing that is slowed down may go on. */
  private async slowed(
    { id }: Standing,
    limit: Outlet['limit'],
    { ticket, precedence }: Waiting,
  ): Promise<Slot | null> {
    if (id === null) return null;
    const perSecond = limit === null ? SLOWED_PER_SECOND : limit.perSecond * SLOWED_TO;
    return this.slots.pass({ accountId: id, perSecond, ticket: `domain:${ticket}`, lane: precedence.lane });
  }

  /** Asked at the last moment, so that nothing leaves that was claimed before the pause. */
  private guarded(line: ProviderLine): ProviderLine {
    return {
      ...line,
      send: async (message, startWithinMs) => {
        const since = new Stopwatch();
        if ((await this.guard.standing()).state === 'paused') return PAUSED;
        const withinMs = startWithinMs - since.elapsedMs();
        return withinMs > 0
          ? line.send(message, withinMs)
          : { kind: 'late', detail: 'the state of the sending domain came too late' };
      },
    };
  }
}

/** Waits for a slot that is near. A later one may go to others until it has come. */
async function isReached({ waitMs }: Slot, waitMsMax: DurationMs): Promise<boolean> {
  if (waitMs > waitMsMax) return false;
  if (waitMs > 0) await pause(Math.ceil(waitMs));
  return true;
}

const fullLine = (line: ProviderLine, { waitMs }: Slot): ProviderLine => {
  const since = new Stopwatch();
  const send = (): Promise<SendResult> =>
    Promise.resolve({ kind: 'full', retryAfterMs: Math.max(Math.ceil(waitMs - since.elapsedMs()), 1) });
  return { ...line, send };
};

/** Sends in its slot only: too late begins anew. */
function inSlot(line: ProviderLine, { waitMs }: Slot, since: Stopwatch): ProviderLine {
  return {
    ...line,
    send: (message, startWithinMs) => {
      const withinMs = Math.min(startWithinMs, waitMs + SLOT_MS - since.elapsedMs());
      return withinMs > 0
        ? line.send(message, withinMs)
        : Promise.resolve({ kind: 'late', detail: 'its turn with the provider had passed' });
    },
  };
}
