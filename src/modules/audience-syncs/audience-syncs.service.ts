import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  type OnModuleInit,
} from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, violatedUnique } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { addressIn, isPublicAddress } from '../../platform/outbound/public-address.js';
import { AuditLog } from '../access/index.js';
import { UserHooks } from '../users/index.js';
import { AudienceMembers, type MemberState } from './audience-members.repository.js';
import { AudienceRounds } from './audience-rounds.js';
import { AudienceSecrets } from './audience-secrets.js';
import type {
  AudienceMemberView,
  AudienceSyncChange,
  AudienceSyncView,
  NewAudienceSync,
} from './audience-syncs.dto.js';
import { toAudienceMemberView, toAudienceSyncView } from './audience-syncs.mapper.js';
import { AudienceSyncsRepository, type AudienceSyncRow } from './audience-syncs.repository.js';

/** Audiences of advertising platforms, as operators keep them. */
@Injectable()
export class AudienceSyncsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly syncs: AudienceSyncsRepository,
    private readonly members: AudienceMembers,
    private readonly rounds: AudienceRounds,
    private readonly secrets: AudienceSecrets,
    private readonly hooks: UserHooks,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'auth'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.members.eraseUser(transaction, userId));
  }

  /** @throws BadRequestException for an address that is not public, ConflictException AUDIENCE_KEY_TAKEN */
  async create(input: NewAudienceSync, principal: string): Promise<AudienceSyncView> {
    const { key, name, base_url: baseUrl, audience_id: audienceId, purpose, brand, identifiers, where } = input;
    this.refuseForbidden(baseUrl);
    const accessToken = this.secrets.seal(key, input.access_token);
    const sync = { key, name, baseUrl, audienceId, accessToken, purpose, brand, condition: where };
    try {
      const row = await this.database.transaction(async (transaction) => {
        const inserted = await this.syncs.insert(transaction, { ...sync, identifiers: [...new Set(identifiers)] });
        const detail = { host: new URL(baseUrl).host, audience_id: audienceId, purpose };
        await this.audit.write(transaction, { principal, action: 'audience_sync.create', subject: key, detail });
        return inserted;
      });
      this.rounds.kick();
      return await this.view(row);
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'an audience with this key exists';
      throw new ConflictException({ code: 'AUDIENCE_KEY_TAKEN', detail }, { cause: error });
    }
  }

  /** A round begins anew with it. @throws NotFoundException AUDIENCE_UNKNOWN, also for one that is ending */
  async change(key: string, input: AudienceSyncChange, principal: string): Promise<AudienceSyncView> {
    const { name, access_token: token, where: condition, state } = input;
    const row = await this.database.transaction(async (transaction) => {
      const accessToken = token === undefined ? undefined : this.secrets.seal(key, token);
      const changed = await this.syncs.change(transaction, key, {
        ...(name === undefined ? {} : { name }),
        ...(accessToken === undefined ? {} : { accessToken }),
        ...(condition === undefined ? {} : { condition }),
        ...(state === undefined ? {} : { state }),
      });
      if (changed === null) throw unknownAudience();
      const detail = { changed: Object.keys(input) };
      await this.audit.write(transaction, { principal, action: 'audience_sync.change', subject: key, detail });
      return changed;
    });
    this.rounds.kick();
    return this.view(row);
  }

  /** Everybody is removed at the platform, then the sync is gone. @throws NotFoundException AUDIENCE_UNKNOWN */
  async remove(key: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const row = await this.syncs.change(transaction, key, { state: 'ending' });
      if (row === null) throw unknownAudience();
      await this.members.unwantAll(transaction, row.id);
      await this.audit.write(transaction, { principal, action: 'audience_sync.remove', subject: key });
    });
    this.rounds.kick();
  }

  /** @throws NotFoundException AUDIENCE_UNKNOWN */
  async find(key: string): Promise<AudienceSyncView> {
    return this.view(await this.row(key));
  }

  async list(page: PageRequest): Promise<Page<AudienceSyncView>> {
    const rows = await this.syncs.list({ ...page, limit: page.limit + 1 });
    const { data, next_cursor } = toPage(
      rows,
      page,
      ({ id }) => id,
      (row) => row,
    );
    return { data: await Promise.all(data.map((row) => this.view(row))), next_cursor };
  }

  /** Newest first. @throws NotFoundException AUDIENCE_UNKNOWN */
  async membersOf(key: string, state: MemberState | null, page: PageRequest): Promise<Page<AudienceMemberView>> {
    const { id } = await this.row(key);
    const rows = await this.members.list(id, state, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toAudienceMemberView);
  }

  private async row(key: string): Promise<AudienceSyncRow> {
    const row = await this.syncs.find(key);
    if (row === null) throw unknownAudience();
    return row;
  }

  private async view(row: AudienceSyncRow): Promise<AudienceSyncView> {
    return toAudienceSyncView(row, await this.members.counts(row.id));
  }

  /** What can be seen without asking for the name; where a name leads is seen at each call. */
  private refuseForbidden(text: string): void {
    if (this.config.auth.mode === 'none') return;
    const url = new URL(text);
    const ip = addressIn(url);
    if (url.protocol === 'https:' && (ip === null || isPublicAddress(ip))) return;
    const errors = [{ path: 'base_url', message: 'https and a public address' }];
    throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'the body is not as expected', errors });
  }
}

const unknownAudience = (): NotFoundException =>
  new NotFoundException({ code: 'AUDIENCE_UNKNOWN', detail: 'there is no such audience' });
