import { ForbiddenException, Inject, Injectable, NotFoundException, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import type { Principal } from '../../platform/http/principal.js';
import { newId } from '../../platform/random/ids.js';
import type { ApiKeyView, NewApiKey, NewApiKeyView } from './access.dto.js';
import { toApiKeyView } from './access.mapper.js';
import { apiKeyId, BOOTSTRAP_KEY_ID, hashApiKey, isApiKey, makeApiKey } from './api-key-text.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { AuditLog } from './audit-log.js';
import { ADMIN_SCOPE, holdsScope, type GrantableScope } from './scopes.js';

/** API keys of servers: made, listed, revoked, recognised. */
@Injectable()
export class ApiKeysService implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly keys: ApiKeysRepository,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whose key this is; null for anything that is not a key in force. Revocation holds for the very next request. */
  async recognise(text: string): Promise<Principal | null> {
    const id = apiKeyId(text);
    const key = await this.keys.findUsable(id);
    if (key === null || !isApiKey(text, key.secretHash)) return null;
    if (!key.isUseNoted) await this.keys.noteUse(id);
    return { name: `key:${id}`, scopes: new Set(key.scopes) };
  }

  /**
   * Makes a key. Its secret is in the answer and nowhere else.
   *
   * @throws ForbiddenException INSUFFICIENT_SCOPE: nobody hands out what they do not hold
   */
  async create(input: NewApiKey, { name: principal, scopes: held }: Principal): Promise<NewApiKeyView> {
    refuseMoreThanHeld(input.scopes, held);
    const id = newId();
    const secret = makeApiKey(id);
    const scopes = [...new Set(input.scopes)];
    const { name, expires_at: expiresAt } = input;
    const key = await this.database.transaction(async (transaction) => {
      const row = await this.keys.insert(transaction, { id, name, scopes, expiresAt, secretHash: hashApiKey(secret) });
      await this.audit.write(transaction, {
        principal,
        action: 'api_key.create',
        subject: id,
        detail: { name, scopes },
      });
      return row;
    });
    return { ...toApiKeyView(key), secret };
  }

  async list(page: PageRequest): Promise<Page<ApiKeyView>> {
    const rows = await this.keys.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toApiKeyView);
  }

  /** @throws NotFoundException API_KEY_UNKNOWN */
  async revoke(id: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (!(await this.keys.revoke(transaction, id))) {
        throw new NotFoundException({ code: 'API_KEY_UNKNOWN', detail: 'there is no such key' });
      }
      await this.audit.write(transaction, { principal, action: 'api_key.revoke', subject: id });
    });
  }

  /** Stores the hash of BOOTSTRAP_API_KEY, so that a fresh installation has one key to make the others with. */
  async onApplicationBootstrap(): Promise<void> {
    const { bootstrapApiKey } = this.config.auth;
    if (bootstrapApiKey === null) return;
    const key = { id: BOOTSTRAP_KEY_ID, secretHash: hashApiKey(bootstrapApiKey), scope: ADMIN_SCOPE };
    await this.database.transaction(async (transaction) => {
      const isNew = await this.keys.putBootstrap(transaction, key);
      if (!isNew) return;
      await this.audit.write(transaction, { principal: 'system', action: 'api_key.bootstrap', subject: key.id });
    });
  }
}

function refuseMoreThanHeld(wanted: readonly GrantableScope[], held: ReadonlySet<string>): void {
  const missing = wanted.find((scope) => (scope === ADMIN_SCOPE ? !held.has(ADMIN_SCOPE) : !holdsScope(held, scope)));
  if (missing === undefined) return;
  const detail = `a key can be given only scopes that its maker holds: ${missing} is missing`;
  throw new ForbiddenException({ code: 'INSUFFICIENT_SCOPE', detail });
}
