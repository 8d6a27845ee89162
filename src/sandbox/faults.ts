import { createHash } from 'node:crypto';
import { REQUEST_FAULTS, type FaultKind, type FaultRule, type FaultSet, type RequestFault } from './fault-rules.js';
import type { DeskName } from './wire.js';

/** What people and mail servers do with a message after it was delivered, or instead. */
export type Reaction = 'open' | 'click' | 'complaint' | 'unsubscribe';

/** What becomes of one accepted message. */
export interface Fate {
  readonly ending: 'delivered' | 'hard_bounce' | 'soft_bounce';
  readonly reactions: readonly Reaction[];
  readonly callbacks: {
    readonly delayMs: number;
    readonly copies: number;
    readonly isDropped: boolean;
    /** Null: in order. Else where the draw for the order begins. */
    readonly orderSeed: string | null;
  };
}

interface RuleState {
  readonly rule: FaultRule;
  readonly index: number;
  readonly seed: number;
  fired: number;
  /** How often each recipient was looked at: the same request sent again gets a draw of its own. */
  readonly seen: Map<string, number>;
}

/**
 * Which fault meets which request. Draws depend on seed, rule, recipient and the number of the recipient's request alone,
 * so they are the same whatever order concurrent requests come in.
 */
export class Faults {
  private states: readonly RuleState[] = [];
  private seed = 1;

  set({ seed, faults }: FaultSet): void {
    this.seed = seed;
    this.states = faults.map((rule, index) => ({ rule, index, seed: rule.seed ?? seed, fired: 0, seen: new Map() }));
  }

  list(): { readonly seed: number; readonly faults: readonly (FaultRule & { readonly fired: number })[] } {
    return { seed: this.seed, faults: this.states.map(({ rule, fired }) => ({ ...rule, fired })) };
  }

  /** @param recipients none when the request could not be read so far: then only rules for all match */
  ofRequest(
    desk: DeskName,
    recipients: readonly string[],
  ): { readonly delayMs: number; readonly fault: RequestFault | null } {
    let delayMs = 0;
    for (const state of this.matching(desk, recipients)) {
      const { rule } = state;
      if (rule.kind !== 'delay' && !isRequestFault(rule)) continue;
      if (!fires(state, recipients.join())) continue;
      if (rule.kind !== 'delay') return { delayMs, fault: rule };
      delayMs += rule.parameters.ms;
    }
    return { delayMs, fault: null };
  }

  /** Asked once for each accepted message. */
  ofMessage(desk: DeskName, recipient: string): Fate {
    const fired = this.matching(desk, [recipient]).filter(
      (state) => !isRequestFault(state.rule) && state.rule.kind !== 'delay' && fires(state, recipient),
    );
    const has = (kind: FaultKind): boolean => fired.some(({ rule }) => rule.kind === kind);
    const reordered = fired.find(({ rule }) => rule.kind === 'callbacks_reordered');
    const bounced = has('soft_bounce') ? 'soft_bounce' : 'delivered';
    return {
      ending: has('hard_bounce') ? 'hard_bounce' : bounced,
      reactions: fired.flatMap(({ rule }) => reactionsOf(rule)),
      callbacks: {
        delayMs: fired.reduce((sum, { rule }) => sum + (rule.kind === 'callbacks_delayed' ? rule.parameters.ms : 0), 0),
        copies: fired.reduce(
          (sum, { rule }) => sum + (rule.kind === 'callbacks_duplicated' ? rule.parameters.copies : 0),
          1,
        ),
        isDropped: has('callbacks_dropped'),
        orderSeed: reordered === undefined ? null : `${reordered.seed}:${recipient}:${reordered.seen.get(recipient)}`,
      },
    };
  }

  private matching(desk: DeskName, recipients: readonly string[]): readonly RuleState[] {
    return this.states.filter(
      ({ rule }) => rule.provider === desk && (rule.match === 'all' || recipients.includes(rule.match.recipient)),
    );
  }
}

function isRequestFault(rule: FaultRule): rule is RequestFault {
  return REQUEST_FAULTS.has(rule.kind);
}

function fires(state: RuleState, recipient: string): boolean {
  const { rule, seen } = state;
  const nth = (seen.get(recipient) ?? 0) + 1;
  seen.set(recipient, nth);
  if (rule.count !== undefined && state.fired >= rule.count) return false;
  if (rule.probability !== undefined && draw(state.seed, state.index, recipient, nth) >= rule.probability) return false;
  state.fired += 1;
  return true;
}

function reactionsOf(rule: FaultRule): readonly Reaction[] {
  if (rule.kind === 'complaint' || rule.kind === 'unsubscribe') return [rule.kind];
  if (rule.kind !== 'open' && rule.kind !== 'click') return [];
  return Array.from({ length: rule.parameters.times }, () => rule.kind);
}

/** @returns in [0, 1), the same for the same parts */
function draw(...parts: readonly (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;
}

/** Another order of the items, by a seed; never the one they are in. */
export function shuffled<Item>(items: readonly Item[], seed: string): readonly Item[] {
  const drawn = items
    .map((item, index) => ({ item, index, at: draw(seed, index) }))
    .sort((a, b) => a.at - b.at || a.index - b.index);
  const isMoved = drawn.some(({ index }, place) => index !== place);
  return isMoved ? drawn.map(({ item }) => item) : items.toReversed();
}
