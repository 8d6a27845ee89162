import { Inject, Injectable, Logger } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { stableFraction } from '../../core/kernel/stable-hash.js';
import { Clock } from '../../platform/clock/clock.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { repeatWhileUnavailable } from '../../platform/database/while-unavailable.js';
import { newId } from '../../platform/random/ids.js';
import { WebhookSender } from '../webhook-endpoints/index.js';
import { atOnceMax, judge, nextAttemptInMs, restMs, type Verdict } from './attempt-plan.js';
import { toMessage, type StreamEvent } from './event-message.js';
import { TEST_TYPE } from './event-types.js';
import { FailingSubscribers } from './failing-subscribers.js';
import { MessagesRepository, type DueMessage, type NewAttempt } from './messages.repository.js';
import { SubscriptionsRepository, type SubscriptionRow } from './subscriptions.repository.js';

const ANSWER_MS_MAX: DurationMs = 15 * SECOND_MS;

/** Sends events to one subscriber at a time. */
@Injectable()
export class StreamSender {
  private readonly logger = new Logger(StreamSender.name);

  constructor(
    private readonly subscriptions: SubscriptionsRepository,
    private readonly messages: MessagesRepository,
    private readonly sender: WebhookSender,
    private readonly failing: FailingSubscribers,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'http'>,
  ) {}

  /**
   * Sends the next messages of a subscription, a few at one time, and resolves when all have their answer. A process that
   * dies before an answer is recorded leaves its message to another one, which sends it again with the same id.
   *
   * @returns whether there may be more to send now
   */
  async sendSome(subscriptionId: string): Promise<boolean> {
    const subscription = await this.subscriptions.findSendable(subscriptionId);
    if (subscription === null) return false;
    const due = await this.messages.lease(subscriptionId, atOnceMax(subscription.slowed));
    const told = await Promise.allSettled(due.map((message) => this.tell(subscription, message)));
    const verdicts = told.flatMap((each) => (each.status === 'fulfilled' && each.value !== null ? [each.value] : []));
    await this.adapt(subscription, verdicts);
    await this.failing.note(subscription, verdicts);
    const failure = told.find((each) => each.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return due.length > 0;
  }

  /** Sends an event that nothing follows from, whatever the state of the subscription. Nothing is recorded. */
  async test(subscription: SubscriptionRow): Promise<NewAttempt> {
    const id = newId();
    const data = { subscription: subscription.key };
    const subject = `event-subscriptions/${subscription.key}`;
    const event: StreamEvent = { id, type: TEST_TYPE, subject, at: this.clock.now(), data };
    const { attempt } = await this.attempt(subscription, event, 1);
    return attempt;
  }

  /** @returns null when nothing may be told of the person any more */
  private async tell(subscription: SubscriptionRow, message: DueMessage): Promise<Verdict | null> {
    const { eventId, attempts, data } = message;
    if (data === null) {
      await this.messages.drop(subscription.id, eventId, 'user_erased');
      return null;
    }
    const { attempt, verdict } = await this.attempt(subscription, { ...message, id: eventId, data }, attempts);
    const spread = stableFraction(`${subscription.id} ${eventId} ${attempts}`);
    const inMs = verdict.isFinal ? null : nextAttemptInMs({ attempts, askedForMs: verdict.askedForMs, spread });
    await repeatWhileUnavailable(() => this.messages.settle(attempt, inMs));
    return verdict;
  }

  private async attempt(
    { id: subscriptionId, endpoint, format }: SubscriptionRow,
    event: StreamEvent,
    attempt: number,
  ): Promise<{ readonly attempt: NewAttempt; readonly verdict: Verdict }> {
    const message = toMessage(event, { format, source: this.config.http.publicUrl });
    const stopwatch = new Stopwatch();
    const reply = await this.sender.attempt({ endpoint, id: event.id, answerMsMax: ANSWER_MS_MAX, ...message });
    const durationMs = Math.round(stopwatch.elapsedMs());
    const verdict = judge(reply, this.clock.now());
    const { isDelivered, status, because, answer } = verdict;
    const facts = { id: newId(), subscriptionId, eventId: event.id, type: event.type, attempt, durationMs };
    return { attempt: { ...facts, isDelivered, status, because, answer }, verdict };
  }

  private async adapt(subscription: SubscriptionRow, verdicts: readonly Verdict[]): Promise<void> {
    const { id, key, slowed } = subscription;
    const disabledFor = verdicts.map((each) => each.disabledFor).find((each) => each !== null);
    if (disabledFor !== undefined) {
      this.logger.warn('a subscription is disabled', { subscription: key, because: disabledFor });
      await this.subscriptions.disable(id, disabledFor);
    } else if (verdicts.some(({ isTooMuch }) => isTooMuch)) {
      const asked = verdicts.flatMap(({ askedForMs }) => (askedForMs === null ? [] : [askedForMs]));
      const askedForMs = asked.length === 0 ? null : Math.max(...asked);
      await this.subscriptions.rest(id, { slowed, forMs: restMs({ slowed, askedForMs }) });
    } else if (slowed > 0 && verdicts.some(({ isDelivered }) => isDelivered)) {
      await this.subscriptions.ease(id);
    }
  }
}
