import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent, isGrantValid } from '../../core/consent/fold-consent.js';
import { isYes, readKeyword } from '../../core/consent/keyword.js';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { RunSignals } from '../journeys/index.js';
import { SuppressionsService } from '../suppressions/index.js';
import { UserHooks, UsersService } from '../users/index.js';
import { ConsentLedger, type Said, type Statement } from './consents.ledger.js';
import { ConsentsRepository, type ConsentRow } from './consents.repository.js';
import type { KeywordMessageView, NewKeywordMessage } from './keywords.dto.js';
import { KeywordsRepository, type KeywordRow } from './keywords.repository.js';

const CHANNEL = 'sms';
const SOURCE = 'sms_keyword';
/** Of the block that lasts until somebody has read what a person wrote. */
export const REVIEW_SOURCE = 'keyword_review';

/** What a message changed, and the one text that is to go back. */
interface Effect {
  readonly added: readonly ConsentRow[];
  readonly reply: string | null;
}

interface Heard {
  readonly message: KeywordRow;
  readonly userIds: readonly string[];
  /** What the number said last about stop and start, apart from this message. */
  readonly last: KeywordRow | null;
  /** It can only mean messages: a YES may be the answer to anything else. */
  readonly isExplicit: boolean;
  /** `last` was said later, and decides about the number already. */
  readonly isOvertaken: boolean;
}

const NOTHING: Effect = { added: [], reply: null };

/** Incoming text messages that ask for an end, or a beginning, of messages. */
@Injectable()
export class KeywordsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly keywords: KeywordsRepository,
    private readonly consents: ConsentsRepository,
    private readonly ledger: ConsentLedger,
    private readonly suppressions: SuppressionsService,
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly hasher: AddressHasher,
    private readonly hooks: UserHooks,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase(async (transaction, { addresses }) => {
      for (const { channel, address } of addresses) {
        await this.keywords.eraseAddress(transaction, this.hasher.hash(channel, address));
      }
    });
  }

  /**
   * Takes one incoming text message, in force for the next check, for everybody with the number it came from. The same
   * message id from the same number again changes nothing and gets the first answer; messages that come in another order than they were said
   * end in the same state.
   */
  async receive(input: NewKeywordMessage): Promise<KeywordMessageView> {
    const addressHash = this.hasher.hash(CHANNEL, input.from);
    const { row, added } = await this.database.transaction(async (transaction) => {
      await this.keywords.lockAddress(transaction, addressHash);
      const message = await this.take(transaction, addressHash, input);
      if (message === null) {
        const known = await this.keywords.find({ addressHash, messageId: input.message_id }, transaction);
        if (known === null) throw new Error('a keyword message is neither new nor known');
        return { row: known, added: [] };
      }
      const heard = await this.hear(transaction, message, input.text);
      const effect = await this.act(transaction, heard);
      const finished = { id: message.id, userIds: heard.userIds, reply: effect.reply };
      return { row: await this.keywords.finish(transaction, finished), added: effect.added };
    });
    this.ledger.committed(added);
    this.signals.kick();
    return toView(row);
  }

  /** Messages, newest first. */
  async list(meaning: string | null, page: PageRequest): Promise<Page<KeywordMessageView>> {
    const rows = await this.keywords.list(meaning, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toView);
  }

  private async take(
    transaction: Transaction,
    addressHash: string,
    { text, message_id, received_at }: NewKeywordMessage,
  ): Promise<KeywordRow | null> {
    const now = await this.consents.now(transaction);
    const meaning = readKeyword(text);
    return this.keywords.take(transaction, {
      messageId: message_id,
      addressHash,
      meaning,
      // A clock that runs ahead must not outrun what the person says next.
      saidAt: Math.min(received_at ?? now, now),
      text: meaning === 'maybe_stop' ? text : null,
    });
  }

  private async hear(transaction: Transaction, message: KeywordRow, text: string): Promise<Heard> {
    const { addressHash } = message;
    const ids = await this.suppressions.concernedBy(transaction, { addressHash, userId: null });
    const known = await this.users.lock(transaction, ids);
    const last = await this.keywords.lastWord(transaction, message);
    const isOvertaken =
      last !== null && (last.saidAt > message.saidAt || (last.saidAt === message.saidAt && last.meaning === 'stop'));
    const isExplicit = last?.meaning === 'stop' || !isYes(text);
    return { message, userIds: [...known].sort(), last, isExplicit, isOvertaken };
  }

  private act(transaction: Transaction, heard: Heard): Promise<Effect> {
    switch (heard.message.meaning) {
      case 'stop':
        return this.stop(transaction, heard);
      case 'start':
        return this.start(transaction, heard);
      case 'maybe_stop':
        return this.block(transaction, heard);
      case 'help':
        return Promise.resolve({ added: [], reply: this.reply('reply STOP to get no more text messages from us.') });
      case null:
        return Promise.resolve(NOTHING);
    }
  }

  private async stop(transaction: Transaction, { message, userIds, last, isOvertaken }: Heard): Promise<Effect> {
    const statement = { ...proofOf(message), purpose: ALL, channel: CHANNEL, brand: ALL, status: 'withdrawn' } as const;
    const added = await this.amendAll(transaction, userIds, () => [statement]);
    if (isOvertaken) {
      // A START that was said later but came first found nothing to lift: now it does.
      const anew = last?.meaning === 'start' ? await this.grantAnew(transaction, last, userIds, true) : [];
      return { added: [...added, ...anew], reply: null };
    }
    await this.suppress(transaction, message, 'stop', SOURCE);
    if (last?.meaning === 'stop') return { added, reply: null };
    return { added, reply: this.reply('you will get no more text messages from us. Reply START to get them again.') };
  }

  private async start(transaction: Transaction, { message, userIds, isExplicit, isOvertaken }: Heard): Promise<Effect> {
    const added = await this.grantAnew(transaction, message, userIds, isExplicit);
    if (isOvertaken) return { added, reply: null };
    const scope = { addressHash: message.addressHash, channel: CHANNEL, reason: 'stop' } as const;
    const isLifted = await this.suppressions.lift(transaction, scope);
    if (added.length === 0 && !isLifted) return NOTHING;
    return { added, reply: this.reply('you will get text messages from us again. Reply STOP to end them.') };
  }

  private grantAnew(
    transaction: Transaction,
    message: KeywordRow,
    userIds: readonly string[],
    isExplicit: boolean,
  ): Promise<readonly ConsentRow[]> {
    const proof = proofOf(message);
    return this.amendAll(transaction, userIds, (said) =>
      subjectsToStart(said, isExplicit).map((subject) => ({ ...proof, ...subject, status: 'granted' })),
    );
  }

  private async block(transaction: Transaction, { message }: Heard): Promise<Effect> {
    await this.suppress(transaction, message, 'manual', REVIEW_SOURCE);
    return NOTHING;
  }

  private suppress(
    transaction: Transaction,
    { addressHash }: KeywordRow,
    reason: 'stop' | 'manual',
    source: string,
  ): Promise<void> {
    const scope = { channel: CHANNEL, purpose: null, until: null };
    return this.suppressions.suppress(transaction, { addressHash, userId: null, ...scope, reason, source });
  }

  private async amendAll(
    transaction: Transaction,
    userIds: readonly string[],
    answer: (said: Said) => readonly Statement[],
  ): Promise<readonly ConsentRow[]> {
    const added: ConsentRow[] = [];
    for (const userId of userIds) added.push(...(await this.ledger.amendLocked(transaction, userId, answer)));
    return added;
  }

  private reply(text: string): string {
    return `${this.config.company.name}: ${text}`;
  }
}

const proofOf = ({ messageId, saidAt }: KeywordRow): Pick<Statement, 'source' | 'evidence' | 'statedAt'> => ({
  source: SOURCE,
  evidence: { message_id: messageId },
  statedAt: saidAt,
});

type Subject = Pick<Statement, 'purpose' | 'channel' | 'brand'>;

/**
 * What START grants anew: everything on this channel that the person once granted or was asked to confirm, and did not
 * refuse by itself since; a STOP refuses all at once and is what START lifts. If nothing is left of that, it grants what
 * was ever granted or asked for, and for somebody who never spoke of text messages, marketing. A word that may be the
 * answer to anything confirms what waits for confirmation and grants nothing else.
 */
function subjectsToStart({ records, now }: Said, isExplicit: boolean): readonly Subject[] {
  const own = records.filter(({ purpose, channel, brand }) => channel === CHANNEL && ![purpose, brand].includes(ALL));
  const named = new Map(own.map((record) => [`${record.purpose} ${record.brand}`, toSubject(record)]));
  const lastOf = (subject: Subject, consents: readonly ConsentRow[]) => foldConsent({ ...subject, consents, now });
  const standing = [...named.values()].filter((subject) => isFavourable(lastOf(subject, own)?.status));
  if (!isExplicit) return standing.filter((subject) => lastOf(subject, records)?.status === 'pending');
  if (standing.length > 0) return standing.filter((subject) => !isGrantValid(lastOf(subject, records), now));
  if (own.length === 0) return [{ purpose: 'marketing', channel: CHANNEL, brand: 'default' }];
  return [...named.values()].filter((subject) =>
    own.some((record) => isSame(record, subject) && isFavourable(record.status)),
  );
}

const toSubject = ({ purpose, channel, brand }: Subject): Subject => ({ purpose, channel, brand });
const isSame = (left: Subject, right: Subject): boolean => left.purpose === right.purpose && left.brand === right.brand;
const isFavourable = (status: ConsentRow['status'] | undefined): boolean =>
  status === 'granted' || status === 'pending';

const toView = (row: KeywordRow): KeywordMessageView => ({
  id: row.id,
  message_id: row.messageId,
  meaning: row.meaning,
  received_at: new Date(row.saidAt).toISOString(),
  user_ids: [...row.userIds],
  text: row.text,
  reply: row.reply,
});
