import { Inject, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { foldConsent, isGrantValid } from '../../core/consent/fold-consent.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { newId } from '../../platform/random/ids.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import { ConfirmationDispatcher } from './confirmation.dispatcher.js';
import { ConfirmationTokens } from './confirmation-tokens.js';
import { ConfirmationsRepository, type ConfirmationFacts, type ConfirmationRow } from './confirmations.repository.js';
import type { ConsentView, NewConsent } from './consents.dto.js';
import { ConsentLedger, type Statement } from './consents.ledger.js';
import { toConsentView, toNewConsentRow } from './consents.mapper.js';
import { ConsentsRepository, type ConsentRow } from './consents.repository.js';
import type { ConfirmationView } from './double-opt-in.dto.js';

/** What a link to confirm can do, as its page says it. */
export type LinkState =
  | { readonly kind: 'open'; readonly purpose: string; readonly channel: string }
  | { readonly kind: 'confirmed'; readonly purpose: string; readonly channel: string }
  /** Was confirmed before, and no longer holds: the person has changed their mind since. */
  | { readonly kind: 'used' }
  | { readonly kind: 'expired' }
  /** The person refused, or got another address, after the question: the answer to it counts no more. */
  | { readonly kind: 'void' }
  | { readonly kind: 'unknown' };

/** Asks people to confirm by mail what was said in their name. */
@Injectable()
export class DoubleOptIn implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly confirmations: ConfirmationsRepository,
    private readonly consents: ConsentsRepository,
    private readonly ledger: ConsentLedger,
    private readonly users: UsersService,
    private readonly tokens: ConfirmationTokens,
    private readonly dispatcher: ConfirmationDispatcher,
    private readonly hooks: UserHooks,
    @Inject(CONFIG) private readonly config: Pick<Config, 'consents'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.confirmations.eraseUser(transaction, userId));
  }

  /**
   * Records that a consent waits for its confirmation, and sends one mail, unless one that can still be answered went out
   * before. Where the grant holds already nothing is recorded: to fill in a form again must not end a subscription.
   *
   * @returns the pending record, or the grant that holds
   * @throws NotFoundException USER_UNKNOWN
   */
  async ask(input: NewConsent): Promise<ConsentView> {
    const [userId] = await this.users.resolveMany([input.user_id]);
    const { added, answer } = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(
        transaction,
        [userId].filter((id) => id !== null && id !== undefined),
      );
      if (userId === null || userId === undefined || !known.has(userId)) throw unknownUser();
      return this.askLocked(transaction, userId, input);
    });
    this.ledger.committed(added);
    this.dispatcher.kick();
    return toConsentView(answer);
  }

  private async askLocked(
    transaction: Transaction,
    userId: string,
    input: NewConsent,
  ): Promise<{ readonly added: readonly ConsentRow[]; readonly answer: ConsentRow }> {
    const { purpose, channel, brand } = input;
    const { now, records } = await this.consents.records(userId, 'real', transaction);
    const last = foldConsent({ consents: records, purpose, channel, brand, now });
    const holding = isGrantValid(last, now) ? records.find(({ id }) => id === last?.id) : undefined;
    if (holding !== undefined) return { added: [], answer: holding };
    const added = await this.ledger.append(transaction, [toNewConsentRow(input, userId)]);
    const [pending] = added;
    if (pending === undefined) throw new Error('a pending record was not returned');
    if (!(await this.confirmations.isAsked(transaction, { userId, purpose, channel, brand }))) {
      const id = newId();
      const { hash: tokenHash } = this.tokens.make(id);
      const validDays = this.config.consents.confirmationValidDays;
      const subject = { userId, purpose, channel, brand };
      await this.confirmations.insert(transaction, {
        ...subject,
        id,
        pendingRecordId: pending.id,
        tokenHash,
        validDays,
      });
    }
    return { added, answer: pending };
  }

  /** What the link can do now. Changes nothing: mail scanners open every link. */
  async look(token: string): Promise<LinkState & { readonly userId: string | null }> {
    const found = await this.confirmations.findByToken(this.tokens.hash(token));
    if (found === null || found.isErased) return { kind: 'unknown', userId: null };
    const { records } = await this.consents.records(found.userId, 'real');
    return { ...stateOf(found, records), userId: found.userId };
  }

  /** Grants what the link stands for. The same link again changes nothing more. */
  async confirm(token: string): Promise<LinkState> {
    const hash = this.tokens.hash(token);
    const found = await this.confirmations.findByToken(hash);
    if (found === null) return { kind: 'unknown' };
    const { added, state } = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(transaction, [found.userId]);
      const facts = known.has(found.userId) ? await this.confirmations.facts(transaction, found.id) : null;
      if (facts === null) return { added: [], state: { kind: 'unknown' } as const };
      return this.confirmLocked(transaction, facts);
    });
    this.ledger.committed(added);
    return state;
  }

  private async confirmLocked(
    transaction: Transaction,
    facts: ConfirmationFacts,
  ): Promise<{ readonly added: readonly ConsentRow[]; readonly state: LinkState }> {
    const { records } = await this.consents.records(facts.userId, 'real', transaction);
    const state = stateOf(facts, records);
    if (state.kind !== 'open') return { added: [], state };
    const pending = records.find(({ id }) => id === facts.pendingRecordId);
    const added = await this.ledger.amendLocked(transaction, facts.userId, () => [grantOf(facts, pending)]);
    await this.confirmations.confirm(transaction, facts.id);
    return { added, state: { ...state, kind: 'confirmed' } };
  }

  /** What a person was asked to confirm, newest first. @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async list(reference: UserReference, page: PageRequest): Promise<Page<ConfirmationView>> {
    const userId = await this.users.resolve(reference);
    const rows = await this.confirmations.list(userId, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toConfirmationView);
  }
}

const unknownUser = (): NotFoundException => {
  const errors = [{ path: 'user_id', message: 'there is no such user' }];
  return new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user', errors });
};

function stateOf(confirmation: ConfirmationFacts, consents: readonly ConsentRow[]): LinkState {
  const { purpose, channel, brand, now } = confirmation;
  const last = foldConsent({ consents, purpose, channel, brand, now });
  if (confirmation.confirmedAt !== null) {
    return isGrantValid(last, now) ? { kind: 'confirmed', purpose, channel } : { kind: 'used' };
  }
  if (now >= confirmation.expiresAt) return { kind: 'expired' };
  if (confirmation.addressHash !== confirmation.emailHash) return { kind: 'void' };
  if (last?.status === 'withdrawn' || last?.status === 'denied') return { kind: 'void' };
  return { kind: 'open', purpose, channel };
}

function grantOf(confirmation: ConfirmationFacts, pending: ConsentRow | undefined): Statement {
  const { id, purpose, channel, brand, pendingRecordId, deliveryId } = confirmation;
  return {
    purpose,
    channel,
    brand,
    status: 'granted',
    source: 'double_opt_in',
    jurisdiction: pending?.jurisdiction ?? null,
    textVersion: pending?.textVersion ?? null,
    evidence: { confirmation_id: id, pending_record_id: pendingRecordId, delivery_id: deliveryId },
  };
}

const toConfirmationView = (row: ConfirmationRow): ConfirmationView => ({
  id: row.id,
  purpose: row.purpose,
  channel: row.channel,
  brand: row.brand,
  pending_record_id: row.pendingRecordId,
  delivery_id: row.deliveryId,
  mail: row.endedAs ?? 'waiting',
  created_at: new Date(row.createdAt).toISOString(),
  expires_at: new Date(row.expiresAt).toISOString(),
  confirmed_at: row.confirmedAt === null ? null : new Date(row.confirmedAt).toISOString(),
});
