import { DAY_MS } from '../../core/kernel/instant.js';
import { dateOfDay } from '../../core/kernel/local-date.js';
import type { PreviewView } from './preview.dto.js';
import type { PastContact } from './preview.repository.js';

const JOURNEYS_SHOWN_MAX = 100;

interface Count {
  contacts: number;
  would_stop: number;
}

type Counts = Pick<PreviewView, 'users' | 'contacts' | 'would_stop' | 'would_stop_share'> &
  Pick<PreviewView, 'by_channel' | 'by_journey' | 'by_day'>;

/** Counts contacts, and those that a rule would have stopped, from several sides. */
export class PreviewTally {
  private users = 0;
  private readonly total: Count = { contacts: 0, would_stop: 0 };
  private readonly byChannel = new Map<string, Count>();
  private readonly byJourney = new Map<string | null, Count>();
  private readonly byDay = new Map<number, Count>();

  /** The contacts of one user within the period. A user without one is not counted. */
  addUser(contacts: readonly PastContact[], stopped: ReadonlySet<PastContact>): void {
    if (contacts.length > 0) this.users += 1;
    for (const contact of contacts) {
      const isStopped = stopped.has(contact);
      count(this.total, isStopped);
      add(this.byChannel, contact.channel, isStopped);
      add(this.byJourney, contact.journeyKey, isStopped);
      add(this.byDay, Math.floor(contact.at / DAY_MS), isStopped);
    }
  }

  counts(): Counts {
    const { contacts, would_stop } = this.total;
    return {
      users: this.users,
      contacts,
      would_stop,
      would_stop_share: contacts === 0 ? 0 : would_stop / contacts,
      by_channel: sorted(this.byChannel, mostStopped).map(([channel, counted]) => ({ channel, ...counted })),
      by_journey: sorted(this.byJourney, mostStopped)
        .slice(0, JOURNEYS_SHOWN_MAX)
        .map(([journey, counted]) => ({ journey, ...counted })),
      by_day: sorted(this.byDay, ([left], [right]) => left - right).map(([day, counted]) => ({
        date: dateOfDay(day),
        ...counted,
      })),
    };
  }
}

function count(counted: Count, isStopped: boolean): void {
  counted.contacts += 1;
  if (isStopped) counted.would_stop += 1;
}

function add<Key>(counts: Map<Key, Count>, key: Key, isStopped: boolean): void {
  const known = counts.get(key);
  const counted = known ?? { contacts: 0, would_stop: 0 };
  if (known === undefined) counts.set(key, counted);
  count(counted, isStopped);
}

type Entry<Key> = readonly [Key, Count];

function sorted<Key>(
  counts: ReadonlyMap<Key, Count>,
  compare: (left: Entry<Key>, right: Entry<Key>) => number,
): readonly Entry<Key>[] {
  return [...counts].sort(compare);
}

function mostStopped([leftKey, left]: Entry<string | null>, [rightKey, right]: Entry<string | null>): number {
  if (left.would_stop !== right.would_stop) return right.would_stop - left.would_stop;
  return right.contacts - left.contacts || ((leftKey ?? '') < (rightKey ?? '') ? -1 : 1);
}
