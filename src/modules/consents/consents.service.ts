import { Inject, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { foldConsent, nextGrantAt, type ConsentQuestion } from '../../core/consent/fold-consent.js';
import { gateConsent } from '../../core/consent/gate-consent.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { RunSignals } from '../journeys/index.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import type { ConsentSummaryView, ConsentView, NewConsent } from './consents.dto.js';
import { toConsentView, toNewConsentRow } from './consents.mapper.js';
import { ConsentsRepository, type ConsentRow } from './consents.repository.js';

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
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly hooks: UserHooks,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.consents.eraseUser(transaction, userId));
  }

  /**
   * Records statements, all or none, in force for the next check. Waiting runs of these users ask their gates again.
   *
   * @throws NotFoundException USER_UNKNOWN with the path of each unknown user
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async record(inputs: readonly NewConsent[]): Promise<readonly ConsentView[]> {
    for (const { clock_domain } of inputs) refuseVirtualTime(clock_domain, this.config);
    const ids = await this.users.resolveMany(inputs.map(({ user_id }) => user_id));
    const rows = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(
        transaction,
        ids.filter((id) => id !== null),
      );
      refuseUnknown(ids, known);
      const records = inputs.map((input, index) => toNewConsentRow(input, ids[index] ?? ''));
      const added = await this.consents.append(transaction, records);
      const concerned = new Set(added.filter(isReal).map(({ userId }) => userId));
      if (concerned.size > 0) await this.signals.wake(transaction, [...concerned], 'consent_changed');
      return added;
    });
    this.signals.kick();
    for (const { status } of rows) this.metrics.countConsent(status);
    return rows.map(toConsentView);
  }

  /** Withdraws, unless this purpose, channel and brand are withdrawn already: the same link twice is one withdrawal. */
  async withdraw(withdrawal: Withdrawal): Promise<void> {
    const { userId, purpose, channel, brand } = withdrawal;
    const isNew = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(transaction, [userId]);
      if (!known.has(userId)) return false;
      const { now, records } = await this.consents.records(userId, 'real', transaction);
      if (isWithdrawnForGood({ consents: records, purpose, channel, brand, now })) return false;
      const rest = {
        status: 'withdrawn',
        basis: 'consent',
        jurisdiction: null,
        statedAt: null,
        expiresAt: null,
      } as const;
      await this.consents.append(transaction, [{ ...withdrawal, ...rest, textVersion: null, clockDomain: 'real' }]);
      await this.signals.wake(transaction, [userId], 'consent_changed');
      return true;
    });
    if (!isNew) return;
    this.signals.kick();
    this.metrics.countConsent('withdrawn');
  }

  /** Every statement of a user, newest first. */
  async history(reference: UserReference, clockDomain: string, page: PageRequest): Promise<Page<ConsentView>> {
    const userId = await this.users.resolve(reference);
    const rows = await this.consents.history(userId, clockDomain, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toConsentView);
  }

  /** What holds now for each purpose, channel and brand about which anything was ever said. All else is denied. */
  async summary(reference: UserReference, clockDomain: string): Promise<ConsentSummaryView> {
    const userId = await this.users.resolve(reference);
    const { now, records } = await this.consents.records(userId, clockDomain);
    return { user_id: userId, as_of: new Date(now).toISOString(), consents: summarise(records, now) };
  }
}

/** A withdrawal holds now, and no grant that is dated in the future would lift it: there is nothing left to withdraw. */
function isWithdrawnForGood(question: ConsentQuestion): boolean {
  return foldConsent(question)?.status === 'withdrawn' && nextGrantAt(question) === null;
}

const isReal = (row: ConsentRow): boolean => row.clockDomain === 'real';

function refuseUnknown(ids: readonly (string | null)[], known: ReadonlySet<string>): void {
  const errors = ids.flatMap((id, index) => {
    if (id !== null && known.has(id)) return [];
    const path = ids.length === 1 ? 'user_id' : `consents[${index}].user_id`;
    return [{ path, message: 'there is no such user' }];
  });
  if (errors.length === 0) return;
  throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user', errors });
}

function summarise(consents: readonly ConsentRow[], now: InstantMs): ConsentSummaryView['consents'] {
  const subjects = new Map(consents.map((row) => [`${row.purpose} ${row.channel} ${row.brand}`, row]));
  return [...subjects.keys()].sort().flatMap((key) => {
    const subject = subjects.get(key);
    if (subject === undefined) return [];
    const { purpose, channel, brand } = subject;
    const verdict = gateConsent({ consents, purpose, channel, brand, now, legalBasis: 'consent' });
    const isAllowed = verdict.kind === 'pass';
    return [
      {
        purpose,
        channel,
        brand,
        is_allowed: isAllowed,
        reason: isAllowed ? null : verdict.reason,
        basis: isAllowed ? verdict.basis : null,
        record_id: verdict.recordId,
      },
    ];
  });
}
