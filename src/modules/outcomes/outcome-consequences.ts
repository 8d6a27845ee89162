import { Inject, Injectable } from '@nestjs/common';
import { ALL } from '../../core/consent/consent-record.js';
import { isPersonChannel } from '../../core/delivery/person-channel.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { softBounceVerdict } from '../../core/suppression/soft-bounce-verdict.js';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import type { Transaction } from '../../platform/database/database.js';
import { ConsentsService } from '../consents/index.js';
import type { DeliveredContact } from '../deliveries/index.js';
import { DevicesService } from '../devices/index.js';
import { SuppressionsService } from '../suppressions/index.js';
import { OutcomesRepository, type HeardKind } from './outcomes.repository.js';

const SOURCE = 'delivery_outcome';
/** Where an address is a device, not a person: what is wrong with it ends the device, and suppresses nobody. */
const DEVICE_CHANNEL = 'push';
const SUPPRESSING: ReadonlySet<HeardKind> = new Set(['bounced', 'soft_bounced', 'complained']);

/** Whom and what an outcome shuts off. Only real messages have consequences: a virtual one reached nobody. */
@Injectable()
export class OutcomeConsequences {
  constructor(
    private readonly suppressions: SuppressionsService,
    private readonly consents: ConsentsService,
    private readonly devices: DevicesService,
    private readonly outcomes: OutcomesRepository,
    private readonly hasher: AddressHasher,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Keyed hash of the address that the message went to; null once the person is erased. */
  hashOf({ channel, address }: DeliveredContact): string | null {
    return address === null ? null : this.hasher.hash(channel, address);
  }

  /** Everybody whose locks the consequences need: the person, and all others who have the address. */
  concernedBy(transaction: Transaction, contact: DeliveredContact, kind: HeardKind): Promise<readonly string[]> {
    const isOfAddress = SUPPRESSING.has(kind) && contact.channel !== DEVICE_CHANNEL;
    const addressHash = isOfAddress ? this.hashOf(contact) : null;
    return this.suppressions.concernedBy(transaction, { addressHash, userId: contact.userId });
  }

  /**
   * To be called once for each outcome, with the locks held. A person who was erased is suppressed already.
   *
   * @param heard.at when it happened
   */
  async apply(
    transaction: Transaction,
    contact: DeliveredContact,
    { kind, at }: { readonly kind: HeardKind; readonly at: InstantMs },
  ): Promise<void> {
    if (contact.clockDomain !== 'real' || contact.address === null) return;
    if (contact.channel === DEVICE_CHANNEL) {
      if (kind === 'bounced') await this.devices.end(transaction, contact.address);
    } else {
      await this.suppressAddress(transaction, contact, kind);
    }
    // With another address, or on another channel, the marketing that is under way would go on.
    if (kind === 'complained') {
      const person = { addressHash: null, userId: contact.userId, channel: null, purpose: null, source: SOURCE };
      await this.suppressions.suppress(transaction, { ...person, reason: 'complaint', until: null });
    }
    if (kind === 'unsubscribed') await this.withdraw(transaction, contact, at);
  }

  private async suppressAddress(transaction: Transaction, contact: DeliveredContact, kind: HeardKind): Promise<void> {
    const addressHash = this.hashOf(contact);
    if (addressHash === null) return;
    const whom = isPersonChannel(contact.channel)
      ? { addressHash: null, userId: contact.userId }
      : { addressHash, userId: null };
    const target = { ...whom, channel: contact.channel, purpose: null, source: SOURCE };
    if (kind === 'bounced') {
      await this.suppressions.suppress(transaction, { ...target, reason: 'hard_bounce', until: null });
    }
    if (kind === 'soft_bounced') {
      const until = await this.softBounceUntil(transaction, addressHash);
      if (until !== null) await this.suppressions.suppress(transaction, { ...target, reason: 'soft_bounce', until });
    }
    if (kind === 'complained') {
      await this.suppressions.suppress(transaction, { ...target, reason: 'complaint', until: null });
    }
  }

  /**
   * As the link in the message does, and for every brand, since the provider does not say which was meant. Of a message
   * that rested on no consent nobody knows what the person has had enough of: everything that needs one, on the channel.
   */
  private withdraw(
    transaction: Transaction,
    { id, userId, channel, purpose, isCounted }: DeliveredContact,
    statedAt: InstantMs,
  ): Promise<void> {
    const subject = { userId, purpose: isCounted ? purpose : ALL, channel, brand: ALL };
    return this.consents.withdrawLocked(transaction, {
      ...subject,
      source: SOURCE,
      evidence: { delivery_id: id },
      statedAt,
    });
  }

  private async softBounceUntil(transaction: Transaction, addressHash: string): Promise<number | null> {
    const policy = this.config.softBounces;
    const withinMs = policy.withinMs + policy.forMs;
    const { now, bounces } = await this.outcomes.softBouncesOf(transaction, { addressHash, withinMs });
    return softBounceVerdict({ bounces, policy, now })?.until ?? null;
  }
}
