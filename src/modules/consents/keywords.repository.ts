import { Injectable } from '@nestjs/common';
import type { Keyword } from '../../core/consent/keyword.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface NewKeywordRow {
  readonly messageId: string;
  readonly addressHash: string;
  readonly meaning: Keyword | null;
  readonly saidAt: InstantMs;
  readonly text: string | null;
}

export interface KeywordRow extends NewKeywordRow {
  readonly id: string;
  readonly userIds: readonly string[];
  readonly reply: string | null;
}

const ROW = `id, message_id as "messageId", address_hash as "addressHash", meaning, said_at as "saidAt", text,
  user_ids as "userIds", reply`;

/** The only writer of keyword_messages. */
@Injectable()
export class KeywordsRepository {
  constructor(private readonly database: Database) {}

  /** Messages of one address are taken one after the other, also where no user has the address. */
  async lockAddress(transaction: Transaction, addressHash: string): Promise<void> {
    await transaction.query({
      name: 'keywords_lock',
      text: `select pg_advisory_xact_lock(hashtext('keyword_messages'), hashtext($1))`,
      values: [addressHash],
    });
  }

  /** @returns null when the message was taken before: one of the same number with the same id of its provider */
  async take(transaction: Transaction, row: NewKeywordRow): Promise<KeywordRow | null> {
    const [taken] = await transaction.query<KeywordRow>({
      name: 'keywords_take',
      text: `insert into keyword_messages (message_id, address_hash, meaning, said_at, text)
        values ($1, $2, $3, to_timestamp($4::float8 / 1000), $5)
        on conflict (address_hash, message_id) do nothing returning ${ROW}`,
      values: [row.messageId, row.addressHash, row.meaning, row.saidAt, row.text],
    });
    return taken ?? null;
  }

  async finish(
    transaction: Transaction,
    result: { readonly id: string; readonly userIds: readonly string[]; readonly reply: string | null },
  ): Promise<KeywordRow> {
    const [row] = await transaction.query<KeywordRow>({
      name: 'keywords_finish',
      text: `update keyword_messages set user_ids = $2, reply = $3 where id = $1 returning ${ROW}`,
      values: [result.id, result.userIds, result.reply],
    });
    if (row === undefined) throw new Error('a keyword message is gone');
    return row;
  }

  /** The last word of this address about stop and start besides this message: the later one, of two at once the stop. */
  async lastWord(transaction: Transaction, { id, addressHash }: KeywordRow): Promise<KeywordRow | null> {
    const [row] = await transaction.query<KeywordRow>({
      name: 'keywords_last_word',
      text: `select ${ROW} from keyword_messages
        where address_hash = $1 and id <> $2 and meaning in ('stop', 'start')
        order by said_at desc, meaning desc limit 1`,
      values: [addressHash, id],
    });
    return row ?? null;
  }

  async find(
    { addressHash, messageId }: Pick<NewKeywordRow, 'addressHash' | 'messageId'>,
    queryable: Queryable,
  ): Promise<KeywordRow | null> {
    const [row] = await queryable.query<KeywordRow>({
      name: 'keywords_find',
      text: `select ${ROW} from keyword_messages where address_hash = $1 and message_id = $2`,
      values: [addressHash, messageId],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(meaning: string | null, page: PageRequest): Promise<readonly KeywordRow[]> {
    return this.database.query<KeywordRow>({
      text: `select ${ROW} from keyword_messages
        where ($1::text is null or meaning = $1) and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [meaning, page.after, page.limit],
    });
  }

  /** Erasure: that a message came stays, what it said is gone. */
  async eraseAddress(transaction: Transaction, addressHash: string): Promise<void> {
    await transaction.query({
      text: 'update keyword_messages set text = null where address_hash = $1',
      values: [addressHash],
    });
  }
}
