import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { ConsentsService, OptOuts, type Said, type Statement } from '../consents/index.js';
import { SuppressionsService } from '../suppressions/index.js';
import { UsersService, type UserReference } from '../users/index.js';
import { PreferenceTokens } from './preference-tokens.js';
import {
  changesOf,
  liftsOf,
  toPreferences,
  type Preferences,
  type Subject,
  type Submission,
  type Wish,
} from './preferences.js';
import { PreferencesRepository } from './preferences.repository.js';

/** In the audit trail: the person, by their own page. */
const PRINCIPAL = 'preference_page';

/** The page on which a person sees and changes what we may send. */
@Injectable()
export class PreferencesService {
  constructor(
    private readonly database: Database,
    private readonly consents: ConsentsService,
    private readonly optOuts: OptOuts,
    private readonly suppressions: SuppressionsService,
    private readonly users: UsersService,
    private readonly tokens: PreferenceTokens,
    private readonly repository: PreferencesRepository,
    private readonly audit: AuditLog,
  ) {}

  /**
   * A link to a person's page. Whoever has it can change the person's choices, so making one is audited.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED
   */
  async link(reference: UserReference, principal: string): Promise<{ readonly url: string }> {
    const userId = await this.users.resolve(reference);
    await this.database.transaction((transaction) =>
      this.audit.write(transaction, { principal, action: 'preference_link.make', subject: userId }),
    );
    return { url: this.tokens.urlFor(userId) };
  }

  /**
   * What a person chose so far; null for a link that is not ours, or whose person is gone.
   *
   * @param gpc the `Sec-GPC` header of the request, which is taken note of
   */
  async show(token: string, gpc: string | undefined): Promise<Preferences | null> {
    const userId = await this.open(token, gpc);
    if (userId === null) return null;
    return this.read(userId, await this.repository.offered());
  }

  /**
   * Changes every choice of the form at once, all or none, in force for the next check. Null for a link that is not ours.
   */
  async save(token: string, gpc: string | undefined, submission: Submission): Promise<Preferences | null> {
    const userId = await this.open(token, gpc);
    if (userId === null) return null;
    const offered = await this.repository.offered();
    const saved = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(transaction, [userId]);
      if (!known.has(userId)) return null;
      const standing = await this.suppressions.ofPerson(userId, transaction);
      const answer = (said: Said): readonly Statement[] => changesOf({ said, offered, standing }, submission);
      const added = await this.consents.changeLocked(transaction, userId, answer);
      const granted = added.filter(({ status }) => status === 'granted');
      const lifting = { userId, ids: liftsOf(granted, standing), principal: PRINCIPAL };
      await this.suppressions.liftUnsubscribed(transaction, lifting);
      return { added, isMoved: await this.prefer(transaction, userId, submission.wish) };
    });
    if (saved === null) return null;
    this.consents.committed(saved.added);
    if (saved.isMoved) this.users.committed();
    return this.read(userId, offered);
  }

  /** What is marked as the page showed it says nothing, however long ago that was. */
  private async prefer(transaction: Transaction, userId: string, wish: Wish | null): Promise<boolean> {
    if (wish === null || wish.marked === wish.shown) return false;
    return this.users.prefer(transaction, userId, wish.marked, PRINCIPAL);
  }

  private async read(userId: string, offered: readonly Subject[]): Promise<Preferences> {
    const [said, standing] = [await this.consents.said(userId), await this.suppressions.ofPerson(userId)];
    return toPreferences({ said, offered, standing }, await this.repository.reach(userId));
  }

  private async open(token: string, gpc: string | undefined): Promise<string | null> {
    const userId = this.tokens.read(token);
    if (userId === null || !(await this.users.isKnown(userId))) return null;
    await this.optOuts.note(gpc, [{ kind: 'id', id: userId }]);
    return userId;
  }
}
