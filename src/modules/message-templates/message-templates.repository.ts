import { Injectable } from '@nestjs/common';
import type { ContentChannel } from '../../core/content/content.js';
import type { LegalBasis } from '../../core/kernel/legal-basis.js';
import type { TrackingSettings } from '../../core/content/tracking.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { AuthoredMessage } from './authored-content.js';

/** What a template is for. */
export interface TemplateUse {
  readonly channel: ContentChannel;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
}

export interface MessageTemplateDefinition extends AuthoredMessage {
  readonly channel: ContentChannel;
  readonly purpose: string;
  readonly legalBasis: 'consent' | 'contract';
  readonly brand: string;
  readonly tags: readonly string[];
  readonly tracking: TrackingSettings;
}

/** One version. It never changes. */
export interface MessageTemplateRow extends MessageTemplateDefinition {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly createdAt: InstantMs;
}

const ROW = `id, key, version, channel, purpose, legal_basis as "legalBasis", brand, tags, missing, content, locales,
  tracking, created_at as "createdAt"`;

/** The only writer of message_templates, which are only ever added to. */
@Injectable()
export class MessageTemplatesRepository {
  constructor(private readonly database: Database) {}

  /** Templates whose current version rests on a contract and is for one of these purposes. */
  async keysOnContract(purposes: readonly string[]): Promise<readonly string[]> {
    const rows = await this.database.query<{ key: string }>({
      text: `select key from (
          select distinct on (key) key, purpose, legal_basis from message_templates order by key, version desc) current
        where legal_basis = 'contract' and purpose = any ($1) order by key`,
      values: [purposes],
    });
    return rows.map(({ key }) => key);
  }

  /** Versions of one key are made one after the other. */
  async lockKey(transaction: Transaction, key: string): Promise<void> {
    await transaction.query({
      text: `select pg_advisory_xact_lock(hashtext('message_templates'), hashtext($1))`,
      values: [key],
    });
  }

  async insert(
    transaction: Transaction,
    template: MessageTemplateDefinition & { readonly key: string; readonly version: number },
  ): Promise<MessageTemplateRow> {
    const [row] = await transaction.query<MessageTemplateRow>({
      text: `insert into message_templates (key, version, channel, purpose, legal_basis, brand, tags, missing, content, locales,
          tracking)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${ROW}`,
      values: [
        template.key,
        template.version,
        template.channel,
        template.purpose,
        template.legalBasis,
        template.brand,
        template.tags,
        template.missing,
        JSON.stringify(template.content),
        JSON.stringify(template.locales),
        JSON.stringify(template.tracking),
      ],
    });
    if (row === undefined) throw new Error('an inserted template was not returned');
    return row;
  }

  async findCurrent(key: string, queryable: Queryable = this.database): Promise<MessageTemplateRow | null> {
    const [row] = await queryable.query<MessageTemplateRow>({
      name: 'message_templates_current',
      text: `select ${ROW} from message_templates where key = $1 order by version desc limit 1`,
      values: [key],
    });
    return row ?? null;
  }

  async findVersion(key: string, version: number): Promise<MessageTemplateRow | null> {
    const [row] = await this.database.query<MessageTemplateRow>({
      name: 'message_templates_version',
      text: `select ${ROW} from message_templates where key = $1 and version = $2`,
      values: [key, version],
    });
    return row ?? null;
  }

  /** The current version of each key, the one that was changed last first. */
  list(page: PageRequest): Promise<readonly MessageTemplateRow[]> {
    return this.database.query<MessageTemplateRow>({
      text: `select ${ROW} from message_templates template
        where ($1::uuid is null or id < $1) and not exists (
          select from message_templates newer where newer.key = template.key and newer.version > template.version)
        order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Newest first. */
  versions(key: string, page: PageRequest): Promise<readonly MessageTemplateRow[]> {
    return this.database.query<MessageTemplateRow>({
      text: `select ${ROW} from message_templates where key = $1 and ($2::uuid is null or id < $2)
        order by id desc limit $3`,
      values: [key, page.after, page.limit],
    });
  }

  /** What each of `keys` under which there is a template is for; the channel is the same in all versions, the rest is the newest's. */
  async uses(keys: readonly string[]): Promise<ReadonlyMap<string, TemplateUse>> {
    const rows = await this.database.query<TemplateUse & { readonly key: string }>({
      text: `select distinct on (key) key, channel, purpose, legal_basis as "legalBasis" from message_templates
        where key = any ($1) order by key, version desc`,
      values: [keys],
    });
    return new Map(rows.map(({ key, ...use }) => [key, use]));
  }
}
