import { Inject, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent, nextGrantAt, type ConsentQuestion } from '../../core/consent/fold-consent.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import type { ConsentSummaryView, ConsentView, ImportedConsent, NewObjection } from './consents.dto.js';
import { withLegalExpiry } from './consents.expiry.js';
import { ConsentLedger, type Said, type Statement } from './consents.ledger.js';
import { toConsentView, toNewConsentRow } from './consents.mapper.js';
import { ConsentsRepository, type ConsentRow, type HistoryFilter } from './consents.repository.js';
import { summarise } from './consents.summary.js';

/** A withdrawal that came in by itself, e.g. through the link in a message. */
export interface Withdrawal {
  readonly userId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly source: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What people said about being contacted. */
@Injectable()
export class ConsentsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly consents: ConsentsRepository,
    private readonly ledger: ConsentLedger,
    private readonly users: UsersService,
    private readonly hooks: UserHooks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.consents.eraseUser(transaction, userId));
  }

  /**
   * Records statements, all or none, in force for the next check. Waiting runs of these users ask their gates again.
   *
   * @throws NotFoundException USER_UNKNOWN with the path of each unknown user
   * @throws UnprocessableEntityException EXPIRY_BEYOND_LAW, EVIDENCE_KIND_REQUIRED, SALE_REQUIRED
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async record(inputs: readonly ImportedConsent[]): Promise<readonly ConsentView[]> {
    for (const { clock_domain } of inputs) refuseVirtualTime(clock_domain, this.config);
    const ids = await this.users.resolveMany(inputs.map(({ user_id }) => user_id));
    const rows = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(
        transaction,
        ids.filter((id) => id !== null),
      );
      refuseUnknown(ids, known);
      const records = inputs.map((input, index) => toNewConsentRow(input, ids[index] ?? ''));
      const homes = await this.consents.homes(transaction, [...known]);
      return this.ledger.append(
        transaction,
        withLegalExpiry(records, { now: await this.consents.now(transaction), homes }),
      );
    });
    this.ledger.committed(rows);
    return rows.map(toConsentView);
  }

  /**
   * Records that a person objects to direct marketing: nothing that needs consent goes out any more, on any channel.
   * Only the person's own word lifts it, a later grant, for the purpose, channel and brand of that grant.
   *
   * @throws NotFoundException USER_UNKNOWN, ForbiddenException VIRTUAL_TIME_REFUSED
   */
  async object(user_id: UserReference, input: NewObjection): Promise<ConsentView> {
    const everything = { purpose: ALL, channel: ALL, brand: ALL } as const;
    const rest = { status: 'withdrawn', basis: 'consent', expires_at: null, is_objection: true } as const;
    const [view] = await this.record([{ ...input, ...everything, ...rest, user_id }]);
    if (view === undefined) throw new Error('an objection was not returned');
    return view;
  }

  /** Withdraws, unless this purpose, channel and brand are withdrawn already: the same link twice is one withdrawal. */
  async withdraw({ userId, ...statement }: Withdrawal): Promise<void> {
    await this.ledger.amend(userId, ({ records, now }) => {
      const isDone = isWithdrawnForGood({ consents: records, ...statement, now });
      return isDone ? [] : [{ ...statement, status: 'withdrawn' }];
    });
  }

  /**
   * Withdraws, in the caller's transaction, which holds the person's lock. Call `RunSignals.kick` after the commit.
   *
   * @param withdrawal.statedAt when the person said so: what they have granted since stands
   */
  async withdrawLocked(
    transaction: Transaction,
    { userId, ...statement }: Withdrawal & { readonly statedAt: InstantMs },
  ): Promise<void> {
    await this.ledger.amendLocked(transaction, userId, () => [{ ...statement, status: 'withdrawn' }]);
  }

  /**
   * Records what a person changed by themselves, judged by what they had said so far, in the caller's transaction, which
   * holds their lock. Call `committed` after the commit, with what this returns.
   */
  changeLocked(
    transaction: Transaction,
    userId: string,
    answer: (said: Said) => readonly Statement[],
  ): Promise<readonly ConsentRow[]> {
    return this.ledger.amendLocked(transaction, userId, answer);
  }

  /** To be called after the commit of what `changeLocked` added. */
  committed(added: readonly ConsentRow[]): void {
    this.ledger.committed(added);
  }

  /** What a person said, in real time. */
  said(userId: string): Promise<Said> {
    return this.consents.records(userId, 'real');
  }

  /** Statements of a user, newest first. */
  async history(reference: UserReference, filter: HistoryFilter, page: PageRequest): Promise<Page<ConsentView>> {
    const userId = await this.users.resolve(reference);
    const rows = await this.consents.history(userId, filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toConsentView);
  }

  /** What holds now for each purpose, channel and brand about which anything was ever said. All else is denied. */
  async summary(reference: UserReference, clockDomain: string): Promise<ConsentSummaryView> {
    const userId = await this.users.resolve(reference);
    const { now, records } = await this.consents.records(userId, clockDomain);
    return { user_id: userId, ...summarise(records, now) };
  }
}

/** A withdrawal holds now, and no grant that is dated in the future would lift it: there is nothing left to withdraw. */
function isWithdrawnForGood(question: ConsentQuestion): boolean {
  return foldConsent(question)?.status === 'withdrawn' && nextGrantAt(question) === null;
}

function refuseUnknown(ids: readonly (string | null)[], known: ReadonlySet<string>): void {
  const errors = ids.flatMap((id, index) => {
    if (id !== null && known.has(id)) return [];
    const path = ids.length === 1 ? 'user_id' : `consents[${index}].user_id`;
    return [{ path, message: 'there is no such user' }];
  });
  if (errors.length === 0) return;
  throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user', errors });
}
