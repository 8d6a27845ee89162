import type { Candidate, ChannelChoice } from './types.js';

/** Channels through which nothing goes without an account of a provider. */
const NEEDS_ACCOUNT: ReadonlySet<string> = new Set(['sms', 'push']);

/** What is known of the channels that can carry one message. */
export interface ChannelKnowledge {
  /** Null: the person never said. */
  readonly preferred: string | null;
  /** What the account that would carry a message asks for it, by channel; null: it does not say. */
  readonly costs: ReadonlyMap<string, number | null>;
}

/**
 * Puts the messages of one step, each for another channel, into the order in which they are to be tried: the channel
 * that the person prefers first, then by cost (an account that does not say is taken to ask nothing), then as the step
 * lists them. All are worth the same, so that the choice is between channels, and not against silence or other journeys.
 *
 * A channel that no account carries is out as long as another one is carried: its message would only wait.
 *
 * @param candidates in the order of the step
 */
export function placeChannels(
  candidates: readonly Candidate[],
  { preferred, costs }: ChannelKnowledge,
): readonly Candidate[] {
  const isCarried = ({ channel }: Candidate): boolean => !NEEDS_ACCOUNT.has(channel) || costs.has(channel);
  const isAnyCarried = candidates.some(isCarried);
  const choices = candidates.map((candidate) => ({
    candidate,
    isPreferred: candidate.channel === preferred,
    cost: costs.get(candidate.channel) ?? 0,
    hasNoAccount: isAnyCarried && !isCarried(candidate),
  }));
  return choices
    .toSorted((left, right) => Number(right.isPreferred) - Number(left.isPreferred) || left.cost - right.cost)
    .map(({ candidate, ...choice }, place) => ({ ...candidate, choice: { place, ...choice } }));
}

/** Why one channel of a message comes before another, as the end of "… comes before …, because". */
export function choiceText(first: ChannelChoice, second: ChannelChoice): string {
  if (first.isPreferred) return 'the person prefers its channel';
  if (first.cost < second.cost) return `its channel costs less (${first.cost} against ${second.cost})`;
  return 'it stands first in the step';
}
