import { Injectable } from '@nestjs/common';
import { foldConsent } from '../../core/consent/fold-consent.js';
import { gateSuppression } from '../../core/suppression/gate-suppression.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { newId } from '../../platform/random/ids.js';
import { DeliveriesService, type ClaimedDelivery, type ProviderLine } from '../deliveries/index.js';
import { UsersService } from '../users/index.js';
import { ConfirmationMails, type ConfirmationMail } from './confirmation-mail.js';
import { ConfirmationTokens } from './confirmation-tokens.js';
import { ConfirmationsRepository, type ConfirmationFacts } from './confirmations.repository.js';

/** The same bounds as for a step: no claim waits for its send, and no attempt outlives its deadline. */
const CLAIM_TO_SEND_MS_MAX = 500;
const ATTEMPT_ALIVE_MS = 90_000;
const CLAIMS_MAX = 5;
/** How often a mail that must wait for the kill switch, or for the end of a hold on its person, looks again. */
const KILL_SWITCH_MS = 60_000;

const NOBODY: ReadonlySet<string> = new Set();
const ACTION = 'double_opt_in';
const STEP = 'confirm';

/** What the lock left to do. */
type Claimed =
  | { readonly kind: 'claimed'; readonly delivery: ClaimedDelivery; readonly since: Stopwatch }
  /** Nothing will be sent. */
  | { readonly kind: 'ended'; readonly endedAs: string }
  | { readonly kind: 'wait'; readonly ms: number }
  /** An attempt was made before; its delivery says what became of it. */
  | { readonly kind: 'attempted' }
  /** The address changed while the mail was written. */
  | { readonly kind: 'stale' };

/**
 * Sends the one mail of a confirmation by the protocol of every delivery: claim under the user's lock with an idempotency
 * key of its own, hand over, record. A process that dies in between leaves an attempt that ends `unknown` and is not
 * repeated.
 */
@Injectable()
export class ConfirmationSender {
  constructor(
    private readonly database: Database,
    private readonly confirmations: ConfirmationsRepository,
    private readonly users: UsersService,
    private readonly deliveries: DeliveriesService,
    private readonly mails: ConfirmationMails,
    private readonly tokens: ConfirmationTokens,
  ) {}

  /** Throwing means: try again later. */
  async send(id: string): Promise<void> {
    for (let claim = 1; claim <= CLAIMS_MAX; claim += 1) {
      const facts = await this.confirmations.facts(this.database, id);
      if (facts === null) return;
      const refusal = refusalOf(facts);
      if (refusal !== null) return this.settle(id, refusal);
      const { url } = this.tokens.make(id);
      const mail = await this.mails.write({ ...facts, url, validMs: facts.expiresAt - facts.createdAt });
      const route = { channel: 'email', address: facts.email ?? '', without: NOBODY, ticket: `doi:${id}` };
      if (await this.deliveries.inTurn(route, (line) => this.claimAndSend(line, facts, mail))) return;
    }
    await this.confirmations.postpone(id, null);
  }

  /** @returns false when it must start over */
  private async claimAndSend(line: ProviderLine, facts: ConfirmationFacts, mail: ConfirmationMail): Promise<boolean> {
    const { id, email } = facts;
    const claimed = await this.database.transaction((transaction) =>
      this.claim(transaction, facts, { ...mail, provider: line.provider }),
    );
    if (claimed.kind === 'stale') return false;
    if (claimed.kind !== 'claimed') {
      await this.settle(id, claimed);
      return true;
    }
    const { subject, html, text } = mail;
    const content = { channel: 'email', subject, html, text } as const;
    const message = { content, address: email ?? '', unsubscribeUrl: null };
    const result = await this.deliveries.send(
      line,
      claimed.delivery,
      message,
      CLAIM_TO_SEND_MS_MAX - claimed.since.elapsedMs(),
    );
    switch (result.kind) {
      case 'accepted':
        await this.confirmations.end(id, 'sent');
        return true;
      case 'rejected':
        await this.confirmations.end(id, 'failed');
        return true;
      case 'unknown':
        await this.confirmations.end(id, 'unknown');
        return true;
      case 'unavailable':
        await this.confirmations.postpone(id, null);
        return true;
      case 'full':
      case 'in_doubt':
        await this.confirmations.postpone(id, result.retryAfterMs);
        return true;
      case 'late':
      case 'stale':
        return false;
    }
  }

  private async claim(
    transaction: Transaction,
    prepared: ConfirmationFacts,
    mail: ConfirmationMail & { readonly provider: string },
  ): Promise<Claimed> {
    await this.users.lock(transaction, [prepared.userId]);
    const facts = await this.confirmations.facts(transaction, prepared.id);
    if (facts === null) return { kind: 'ended', endedAs: 'USER_ERASED' };
    const refusal = refusalOf(facts);
    if (refusal !== null) return refusal;
    const { id, email, emailHash } = facts;
    if (email === null || emailHash === null || email !== prepared.email) return { kind: 'stale' };
    const delivery = await this.deliveries.claim(transaction, {
      deliveryId: facts.deliveryId ?? newId(),
      idempotencyKey: `doi:${id}`,
      userId: facts.userId,
      // Nothing was weighed here: what led to this mail is the statement that waits to be confirmed.
      decisionId: facts.pendingRecordId,
      runKey: `system:${ACTION}:${id}`,
      stepId: STEP,
      visit: 1,
      journeyKey: `system:${ACTION}`,
      channel: 'email',
      provider: mail.provider,
      action: ACTION,
      actionGroup: null,
      template: mail.template,
      templateVersion: mail.templateVersion,
      purpose: facts.purpose,
      tags: [],
      isCounted: false,
      address: email,
      aliveMs: ATTEMPT_ALIVE_MS,
      clockDomain: 'real',
      claimedAt: facts.now,
    });
    if (delivery === null) return { kind: 'attempted' };
    const { hash } = this.tokens.make(id);
    const { deliveryId } = delivery;
    await this.confirmations.claim(transaction, { id, deliveryId, addressHash: emailHash, tokenHash: hash });
    return { kind: 'claimed', delivery, since: new Stopwatch() };
  }

  private async settle(id: string, outcome: Exclude<Claimed, { kind: 'claimed' | 'stale' }>): Promise<void> {
    switch (outcome.kind) {
      case 'ended':
        return this.confirmations.end(id, outcome.endedAs);
      case 'wait':
        return this.confirmations.postpone(id, outcome.ms);
      case 'attempted':
        return this.settleAttempt(id);
    }
  }

  /** An earlier attempt exists: what became of it is final, and nothing is sent again. */
  private async settleAttempt(id: string): Promise<void> {
    const facts = await this.confirmations.facts(this.database, id);
    if (facts === null || facts.deliveryId === null) return;
    const found = await this.deliveries.get(facts.deliveryId);
    const isAlive = found.state === 'sending' && found.aliveForMs > 0 && !found.isInDoubt;
    if (isAlive) return this.confirmations.postpone(id, found.aliveForMs);
    const { state } = found.state === 'sending' ? await this.deliveries.settleOverdue(found.id) : found;
    if (state === 'sending') return this.confirmations.postpone(id, await this.deliveries.retryAfterMs(found.id));
    if (state === 'released') return this.confirmations.postpone(id, null);
    await this.confirmations.end(id, state);
  }
}

/**
 * Why no mail may go out now, or ever. It asks for permission to send what needs consent, so whatever stops that stops
 * the question too; of consent it asks that the statement still waits: who refused since, or granted, is not asked again.
 */
function refusalOf(facts: ConfirmationFacts): Extract<Claimed, { kind: 'ended' | 'wait' }> | null {
  const { now, channel, purpose, brand, emailHash, suppressions, consents } = facts;
  const ended = (endedAs: string): { readonly kind: 'ended'; readonly endedAs: string } => ({ kind: 'ended', endedAs });
  if (facts.isErased) return ended('USER_ERASED');
  if (facts.confirmedAt !== null) return ended('confirmed');
  if (now >= facts.expiresAt) return ended('expired');
  if (foldConsent({ consents, purpose, channel, brand, now })?.status !== 'pending') return ended('void');
  if (emailHash === null) return ended('ADDRESS_MISSING');
  const question = { suppressions, addressHash: emailHash, channel, purpose, legalBasis: 'consent', now } as const;
  const verdict = gateSuppression(question);
  if (verdict.kind === 'refuse') return ended(verdict.reason);
  return facts.isKillSwitchOn || facts.isOnHold ? { kind: 'wait', ms: KILL_SWITCH_MS } : null;
}
