import type { DecisionView } from '../../src/modules/decisions/decisions.dto.js';
import type { DeliveryView } from '../../src/modules/deliveries/deliveries.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';

/** Everything that was written about some runs. */
export interface Records {
  readonly runs: readonly RunView[];
  readonly decisions: readonly DecisionView[];
  readonly deliveries: readonly DeliveryView[];
}

/** Names and how often, most frequent first. */
export type Tally = readonly (readonly [name: string, count: number])[];

/** What came of some runs, in figures. */
export interface Summary {
  readonly runs: number;
  readonly decided: number;
  /** By template. */
  readonly sent: Tally;
  /** Deliveries that are not `sent`, by state. */
  readonly otherDeliveries: Tally;
  /** Decisions to do nothing, by reason. */
  readonly silent: Tally;
  /** Decisions to wait, by reason. */
  readonly deferred: Tally;
  /** Runs under way, by what they wait for. */
  readonly waiting: Tally;
  /** Runs that are over, by how they ended. */
  readonly ended: Tally;
}

/** Counts what was decided, sent, left unsent and why, what still waits and what has ended. */
export function summarise({ runs, decisions, deliveries }: Records): Summary {
  const isSent = ({ state }: DeliveryView): boolean => state === 'sent' || state === 'delivered';
  return {
    runs: runs.length,
    decided: decisions.length,
    sent: tally(deliveries.filter(isSent).map(({ template }) => template)),
    otherDeliveries: tally(deliveries.filter((delivery) => !isSent(delivery)).map(({ state }) => state)),
    silent: tally(reasonsOf(decisions, 'do_nothing')),
    deferred: tally(reasonsOf(decisions, 'defer')),
    waiting: tally(runs.filter(({ ended_at }) => ended_at === null).map((run) => run.waits_for ?? run.state)),
    ended: tally(runs.filter(({ ended_at }) => ended_at !== null).map((run) => run.reason ?? run.state)),
  };
}

/** Sum of a tally. */
export function total(counts: Tally): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

/** Whether the inbox holds every sent mail exactly once. */
export interface InboxCheck {
  readonly sent: number;
  /** Ids of sent deliveries whose mail is not there although it was sent just now. */
  readonly missing: readonly string[];
  /** Ids of deliveries of earlier days whose mail is no longer there; somebody may have emptied the inbox. */
  readonly gone: readonly string[];
  /** Ids of deliveries whose mail is there more than once. */
  readonly repeated: readonly string[];
  /** Ids of deliveries of these runs that are not `sent`, but whose mail is there all the same. */
  readonly unrecorded: readonly string[];
}

/**
 * Compares what was recorded with what arrived.
 *
 * @param inbox.mailsByDelivery how many mails carry the id of each delivery
 * @param inbox.newRunKeys runs that began just now
 */
export function checkInbox(
  deliveries: readonly DeliveryView[],
  inbox: { readonly mailsByDelivery: ReadonlyMap<string, number>; readonly newRunKeys: ReadonlySet<string> },
): InboxCheck {
  const { mailsByDelivery, newRunKeys } = inbox;
  const mailsOf = ({ id }: DeliveryView): number => mailsByDelivery.get(id) ?? 0;
  const sent = deliveries.filter(({ state }) => state === 'sent' || state === 'delivered');
  const ids = (some: readonly DeliveryView[]): readonly string[] => some.map(({ id }) => id);
  const absent = sent.filter((delivery) => mailsOf(delivery) === 0);
  return {
    sent: sent.length,
    missing: ids(absent.filter(({ run_key }) => newRunKeys.has(run_key))),
    gone: ids(absent.filter(({ run_key }) => !newRunKeys.has(run_key))),
    repeated: ids(deliveries.filter((delivery) => mailsOf(delivery) > 1)),
    // An `unknown` one may well have arrived: that is what the word says.
    unrecorded: ids(deliveries.filter((delivery) => delivery.state === 'failed' && mailsOf(delivery) > 0)),
  };
}

/** A run worth opening, and the decision in it that tells most. */
export interface Showcase {
  readonly title: string;
  readonly run: RunView;
  readonly decisionId: string;
}

const SHOWCASES_MAX = 3;

/** Three runs that are unlike each other: two mails, put off, silent for want of consent; else what there is. */
export function chooseShowcases({ runs, decisions, deliveries }: Records): readonly Showcase[] {
  const runByKey = new Map(runs.map((run) => [run.run_key, run]));
  const inOrder = [...decisions].sort((left, right) => (left.decided_at < right.decided_at ? -1 : 1));
  const mails = new Map<string, number>();
  for (const { run_key, state } of deliveries) {
    if (state === 'sent') mails.set(run_key, (mails.get(run_key) ?? 0) + 1);
  }
  const mailsOf = ({ run_key }: DecisionView): number => mails.get(run_key ?? '') ?? 0;
  const kinds: readonly (readonly [title: string, isOne: (decision: DecisionView) => boolean])[] = [
    ['sent twice', (decision) => decision.outcome === 'act' && mailsOf(decision) > 1],
    ['put off by quiet hours', ({ outcome, reason }) => outcome === 'defer' && reason === 'QUIET_HOURS'],
    [
      'silent: no valid consent',
      ({ outcome, reason }) => outcome === 'do_nothing' && reason?.startsWith('CONSENT') === true,
    ],
    ['sent once', (decision) => decision.outcome === 'act' && mailsOf(decision) === 1],
    ['silent', ({ outcome }) => outcome === 'do_nothing'],
    ['put off', ({ outcome }) => outcome === 'defer'],
  ];
  const chosen: Showcase[] = [];
  for (const [title, isOne] of kinds) {
    const decision = inOrder.find(
      (candidate) => isOne(candidate) && !chosen.some(({ run }) => run.run_key === candidate.run_key),
    );
    const run = runByKey.get(decision?.run_key ?? '');
    if (decision?.id == null || run === undefined) continue;
    chosen.push({ title, run, decisionId: decision.id });
    if (chosen.length === SHOWCASES_MAX) break;
  }
  return chosen;
}

function reasonsOf(decisions: readonly DecisionView[], outcome: DecisionView['outcome']): readonly string[] {
  return decisions.filter((decision) => decision.outcome === outcome).map(({ reason }) => reason ?? 'no reason');
}

function tally(names: readonly string[]): Tally {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(
    ([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1),
  );
}
