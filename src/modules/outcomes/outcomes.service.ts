import { ConflictException, Injectable, type OnModuleInit } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { DeliveriesService, type DeliveredContact, type DeliveryWord } from '../deliveries/index.js';
import { RunSignals } from '../journeys/index.js';
import { SendingGuard } from '../sending-domains/index.js';
import { UserHooks, UsersService } from '../users/index.js';
import { OutcomeConsequences } from './outcome-consequences.js';
import type { OutcomeView } from './outcomes.dto.js';
import { toOutcomeView } from './outcomes.mapper.js';
import { OutcomesRepository, type HeardKind, type RecordedOutcome } from './outcomes.repository.js';

/** What somebody says became of a message: its provider, the company's own systems, an operator. */
export interface HeardOutcome {
  readonly deliveryId: string;
  readonly kind: HeardKind;
  /** Null: now. */
  readonly at: InstantMs | null;
  /** In the provider's words. */
  readonly detail: string | null;
}

/** What a delivery is known to be after an outcome: whoever opened a message, or clicked in it, has it. */
const STATE_AFTER: Readonly<Record<HeardKind, DeliveryWord['state'] | null>> = {
  sent: 'sent',
  failed: 'failed',
  delivered: 'delivered',
  opened: 'delivered',
  clicked: 'delivered',
  bounced: 'bounced',
  complained: 'complained',
  soft_bounced: null,
  converted: null,
  dismissed: null,
  ignored: null,
  unsubscribed: null,
};

/** What became of messages, and what follows from it. */
@Injectable()
export class OutcomesService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly outcomes: OutcomesRepository,
    private readonly consequences: OutcomeConsequences,
    private readonly deliveries: DeliveriesService,
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly hooks: UserHooks,
    private readonly metrics: Metrics,
    private readonly guard: SendingGuard,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.outcomes.eraseUser(transaction, userId));
    // A provider that refuses the recipient says at once what others say by a bounce.
    this.deliveries.onRefusedRecipient(({ deliveryId, detail, refusedFor }) =>
      this.record({ deliveryId, detail, kind: refusedFor === 'opted_out' ? 'unsubscribed' : 'bounced', at: null }),
    );
  }

  /**
   * Records an outcome with all its consequences, or nothing: the state of the delivery and of its place under the caps,
   * the suppression of the address, the withdrawal of a consent. Heard of again, it is answered the same and has no consequences again. In whatever
   * order the outcomes of a delivery come, they end in the same state and the same suppressions.
   *
   * @param alongside what else is to be written with the outcome, or not at all
   * @throws NotFoundException DELIVERY_UNKNOWN
   * @throws ConflictException DELIVERY_RELEASED when no message left: there is nothing that anything could become of
   */
  async record(
    heard: HeardOutcome,
    alongside: (transaction: Transaction) => Promise<void> = () => Promise.resolve(),
  ): Promise<OutcomeView> {
    const { outcome, movedTo } = await this.database.transaction(async (transaction) => {
      const recorded = await this.recordOnce(transaction, heard);
      await alongside(transaction);
      return recorded;
    });
    this.signals.kick();
    if (movedTo !== null) this.metrics.countDelivery(movedTo.channel, movedTo.state);
    // Before it is answered, so that no message that is asked for afterwards slips through.
    if (movedTo?.state === 'bounced' || movedTo?.state === 'complained') await this.guard.review();
    return toOutcomeView(outcome);
  }

  /** @throws NotFoundException DELIVERY_UNKNOWN */
  async list(deliveryId: string, page: PageRequest): Promise<Page<OutcomeView>> {
    await this.deliveries.contactOf(deliveryId);
    const rows = await this.outcomes.list(deliveryId, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toOutcomeView);
  }

  private async recordOnce(
    transaction: Transaction,
    heard: HeardOutcome,
  ): Promise<{ outcome: RecordedOutcome; movedTo: { channel: string; state: DeliveryWord['state'] } | null }> {
    const found = await this.deliveries.contactOf(heard.deliveryId, transaction);
    await this.users.lock(transaction, await this.consequences.concernedBy(transaction, found, heard.kind));
    // Read again: the person may have been erased, or the message claimed anew, while this waited for the lock.
    const contact = await this.deliveries.contactOf(heard.deliveryId, transaction);
    if (contact.state === 'released') {
      throw new ConflictException({ code: 'DELIVERY_RELEASED', detail: 'no message of this delivery has left' });
    }
    const outcome = await this.put(transaction, contact, heard);
    const state = STATE_AFTER[heard.kind];
    const failure = state === 'failed' || state === 'bounced' ? heard.detail : null;
    const word = state === null ? null : { deliveryId: contact.id, state, failure };
    const isMoved = word !== null && (await this.deliveries.advance(transaction, word));
    if (outcome.isNew) await this.consequences.apply(transaction, contact, outcome);
    return { outcome, movedTo: isMoved ? { channel: contact.channel, state: word.state } : null };
  }

  private put(transaction: Transaction, contact: DeliveredContact, heard: HeardOutcome): Promise<RecordedOutcome> {
    const { kind, at } = heard;
    if (kind !== 'soft_bounced') return this.outcomes.put(transaction, contact, { kind, at });
    return this.outcomes.putSoftBounce(transaction, contact, { addressHash: this.consequences.hashOf(contact), at });
  }
}
