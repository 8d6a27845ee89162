import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { ConsentsService, OptOuts } from '../consents/index.js';
import { UsersService, type UserReference } from '../users/index.js';
import { PreferenceTokens } from './preference-tokens.js';
import { changesOf, toPreferences, type Preferences, type Submission } from './preferences.js';
import { PreferencesRepository } from './preferences.repository.js';

/** The page on which a person sees and changes what we may send. */
@Injectable()
export class PreferencesService {
  constructor(
    private readonly database: Database,
    private readonly consents: ConsentsService,
    private readonly optOuts: OptOuts,
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
    return toPreferences(await this.consents.said(userId), await this.repository.offered());
  }

  /** Changes every choice of the form at once, in force for the next check. Null for a link that is not ours. */
  async save(token: string, gpc: string | undefined, submission: Submission): Promise<Preferences | null> {
    const userId = await this.open(token, gpc);
    if (userId === null) return null;
    const offered = await this.repository.offered();
    const said = await this.consents.change(userId, (before) => changesOf(before, offered, submission));
    return said === null ? null : toPreferences(said, offered);
  }

  private async open(token: string, gpc: string | undefined): Promise<string | null> {
    const userId = this.tokens.read(token);
    if (userId === null || !(await this.users.isKnown(userId))) return null;
    await this.optOuts.note(gpc, [{ kind: 'id', id: userId }]);
    return userId;
  }
}
