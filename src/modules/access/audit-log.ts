import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** One administrative change. Never personal data: the trail outlives the people in it. */
export interface AuditEntry {
  /** Who, as in `Principal.name`. */
  readonly principal: string;
  /** What, as `<thing>.<verb>`, e.g. `api_key.revoke`. */
  readonly action: string;
  /** To what: an id or a key. */
  readonly subject: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditRow extends Required<AuditEntry> {
  readonly id: string;
  readonly at: InstantMs;
}

/** The only writer of audit_log. Entries go into the transaction of the change: neither exists without the other. */
@Injectable()
export class AuditLog {
  constructor(private readonly database: Database) {}

  async write(transaction: Transaction, { principal, action, subject, detail = {} }: AuditEntry): Promise<void> {
    await transaction.query({
      name: 'audit_log_write',
      text: 'insert into audit_log (principal, action, subject, detail) values ($1, $2, $3, $4)',
      values: [principal, action, subject, JSON.stringify(detail)],
    });
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly AuditRow[]> {
    return this.database.query<AuditRow>({
      text: `select id, at, principal, action, subject, detail from audit_log
        where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }
}
