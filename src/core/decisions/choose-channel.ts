import { valueText } from './text.js';
import type { Candidate } from './types.js';

/** What is known of the channels that can carry one message. */
export interface ChannelKnowledge {
  /** Null: the person never said. */
  readonly preferred: string | null;
  /** What the account that would carry a message asks for it, by channel; null: it does not say. */
  readonly costs: ReadonlyMap<string, number | null>;
  /** Whether anybody carries messages of the channel to this person now. */
  readonly isCarried: (channel: string) => boolean;
}

/**
 * Puts the messages of one step, each for another channel, into the order in which they are to be tried: those that
 * somebody carries first, of them the channel that the person prefers, then by cost (an account that does not say is taken
 * to ask nothing), then as the step lists them. All are worth the same, so that the choice is between channels, and not
 * against silence or other journeys. Where no other one is open, one that nobody carries waits as any message does.
 *
 * @param candidates in the order of the step
 */
export function placeChannels(
  candidates: readonly Candidate[],
  { preferred, costs, isCarried }: ChannelKnowledge,
): readonly Candidate[] {
  return candidates
    .map((candidate) => ({
      candidate,
      isPreferred: candidate.channel === preferred,
      cost: costs.get(candidate.channel) ?? 0,
      isCarried: isCarried(candidate.channel),
    }))
    .toSorted(
      (left, right) =>
        Number(right.isCarried) - Number(left.isCarried) ||
        Number(right.isPreferred) - Number(left.isPreferred) ||
        left.cost - right.cost,
    )
    .map(({ candidate, ...choice }, place) => ({ ...candidate, choice: { place, ...choice } }));
}

/** Why one channel of a message comes before another; null where they are no such thing. */
export function precedenceText(first: Candidate | undefined, second: Candidate | undefined): string | null {
  const [one, other] = [first?.choice, second?.choice];
  if (one === undefined || other === undefined) return null;
  if (one.isCarried !== other.isCarried) return `no active account carries ${second?.channel} to them`;
  if (one.isPreferred) return `they prefer ${first?.channel}`;
  if (one.cost < other.cost) return `it costs less (${valueText(one.cost)} against ${valueText(other.cost)})`;
  return 'it stands before it in the step';
}
