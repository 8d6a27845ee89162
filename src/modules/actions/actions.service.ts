import { ConflictException, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { Database, violatedUnique } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { MessageTemplatesService } from '../message-templates/index.js';
import type { ActionInput, ActionView, NewAction } from './actions.dto.js';
import { toActionView, toDefinition } from './actions.mapper.js';
import { ActionsRepository } from './actions.repository.js';

/** What could be done for a user: the candidates of decisions. */
@Injectable()
export class ActionsService {
  constructor(
    private readonly database: Database,
    private readonly actions: ActionsRepository,
    private readonly templates: MessageTemplatesService,
    private readonly audit: AuditLog,
  ) {}

  /** @throws ConflictException ACTION_KEY_TAKEN, UnprocessableEntityException UNKNOWN_REFERENCE for its template */
  async create({ key, ...input }: NewAction, principal: string): Promise<ActionView> {
    await this.refuseUnfitTemplate(input);
    try {
      return await this.database.transaction(async (transaction) => {
        const row = await this.actions.insert(transaction, key, toDefinition(input));
        await this.audit.write(transaction, { principal, action: 'action.create', subject: key });
        return toActionView(row);
      });
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'an action with this key exists';
      throw new ConflictException({ code: 'ACTION_KEY_TAKEN', detail }, { cause: error });
    }
  }

  /** Replaces an action; its version grows. @throws NotFoundException ACTION_UNKNOWN */
  async replace(key: string, input: ActionInput, principal: string): Promise<ActionView> {
    await this.refuseUnfitTemplate(input);
    return this.database.transaction(async (transaction) => {
      const row = await this.actions.update(transaction, key, toDefinition(input));
      if (row === null) throw unknownAction();
      const detail = { version: row.version };
      await this.audit.write(transaction, { principal, action: 'action.change', subject: key, detail });
      return toActionView(row);
    });
  }

  /** Journeys that name it go on; there it counts as inactive. @throws NotFoundException ACTION_UNKNOWN */
  async remove(key: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (!(await this.actions.remove(transaction, key))) throw unknownAction();
      await this.audit.write(transaction, { principal, action: 'action.remove', subject: key });
    });
  }

  async find(key: string): Promise<ActionView> {
    const row = await this.actions.find(key);
    if (row === null) throw unknownAction();
    return toActionView(row);
  }

  async list(page: PageRequest): Promise<Page<ActionView>> {
    const rows = await this.actions.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toActionView);
  }

  /** Those of `keys` under which there is an action. */
  existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.actions.existing(keys);
  }

  private async refuseUnfitTemplate({ template, channel }: Pick<ActionInput, 'template' | 'channel'>): Promise<void> {
    const own = (await this.templates.uses([template])).get(template)?.channel;
    if (own === channel) return;
    const missing = { path: 'template', message: `there is no message template "${template}"` };
    const unfit = { path: 'channel', message: `the message template "${template}" is for ${own}` };
    const detail = 'the action names a template that does not exist, or is for another channel';
    const errors = [own === undefined ? missing : unfit];
    throw new UnprocessableEntityException({ code: 'UNKNOWN_REFERENCE', detail, errors });
  }
}

const unknownAction = (): NotFoundException =>
  new NotFoundException({ code: 'ACTION_UNKNOWN', detail: 'there is no such action' });
