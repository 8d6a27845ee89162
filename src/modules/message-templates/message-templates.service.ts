import { ConflictException, Injectable, Logger, NotFoundException, type OnApplicationBootstrap } from '@nestjs/common';
import type { TrackingSettings } from '../../core/content/tracking.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { authorMessage } from './authoring.js';
import { PURPOSES_OF_MARKETING } from './contract-rules.js';
import type { MessageTemplateInput, MessageTemplateView, NewMessageTemplate } from './message-templates.dto.js';
import { toDefinition, toMessageTemplateView } from './message-templates.mapper.js';
import {
  MessageTemplatesRepository,
  type MessageTemplateDefinition,
  type TemplateUse,
} from './message-templates.repository.js';
import { ParsedTemplates, type RenderedContent, type RenderRequest } from './parsed-templates.js';

/** Messages as authors write them: immutable versions under a key, and their rendering. */
@Injectable()
export class MessageTemplatesService implements OnApplicationBootstrap {
  private readonly logger = new Logger(MessageTemplatesService.name);

  constructor(
    private readonly database: Database,
    private readonly templates: MessageTemplatesRepository,
    private readonly parsed: ParsedTemplates,
    private readonly audit: AuditLog,
  ) {}

  /** Says which templates nobody gets any more: they were stored before marketing on a contract was refused. */
  async onApplicationBootstrap(): Promise<void> {
    const keys = await this.templates.keysOnContract([...PURPOSES_OF_MARKETING]);
    if (keys.length === 0) return;
    this.logger.warn(
      `${keys.length} templates rest on a contract and are for marketing, so nobody gets them: store them again, with purpose "transactional" or with consent`,
      { keys },
    );
  }

  /**
   * Makes version 1 of a key.
   *
   * @throws BadRequestException TEMPLATE_INVALID with part, line and column of each fault
   * @throws UnprocessableEntityException MARKETING_NEEDS_CONSENT when it is marketing and rests on a contract,
   *   MARKETING_INCOMPLETE when it needs consent and does not show who writes and how to withdraw
   * @throws ConflictException TEMPLATE_KEY_TAKEN
   */
  async create({ key, ...input }: NewMessageTemplate, principal: string): Promise<MessageTemplateView> {
    const definition = toDefinition(input, await authorMessage(input));
    return this.database.transaction(async (transaction) => {
      await this.templates.lockKey(transaction, key);
      if ((await this.templates.findCurrent(key, transaction)) !== null) {
        throw new ConflictException({ code: 'TEMPLATE_KEY_TAKEN', detail: 'a template with this key exists' });
      }
      return this.add(transaction, { key, version: 1, definition, principal });
    });
  }

  /**
   * Makes the next version, which every message sent from now on uses. The same content again makes none.
   *
   * @throws ConflictException TEMPLATE_CHANNEL_FIXED: actions and journeys name it for the channel that it has
   */
  async change(key: string, input: MessageTemplateInput, principal: string): Promise<MessageTemplateView> {
    const definition = toDefinition(input, await authorMessage(input));
    return this.database.transaction(async (transaction) => {
      await this.templates.lockKey(transaction, key);
      const current = await this.templates.findCurrent(key, transaction);
      if (current === null) throw unknownTemplate();
      if (current.channel !== definition.channel) {
        const detail = 'the channel of a template cannot change';
        throw new ConflictException({ code: 'TEMPLATE_CHANNEL_FIXED', detail });
      }
      const { id: _id, key: _key, version, createdAt: _createdAt, ...content } = current;
      if (canonicalJson(content) === canonicalJson(definition)) return toMessageTemplateView(current);
      return this.add(transaction, { key, version: version + 1, definition, principal });
    });
  }

  async find(key: string): Promise<MessageTemplateView> {
    const row = await this.templates.findCurrent(key);
    if (row === null) throw unknownTemplate();
    return toMessageTemplateView(row);
  }

  async list(page: PageRequest): Promise<Page<MessageTemplateView>> {
    const rows = await this.templates.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toMessageTemplateView);
  }

  async versions(key: string, page: PageRequest): Promise<Page<MessageTemplateView>> {
    await this.find(key);
    const rows = await this.templates.versions(key, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toMessageTemplateView);
  }

  /** Those of `keys` under which there is a template, with what each is for. */
  uses(keys: readonly string[]): Promise<ReadonlyMap<string, TemplateUse>> {
    return this.templates.uses(keys);
  }

  /** Renders one version as `context.user` gets it. @throws RenderError when it does not exist or fails on these values */
  render(request: RenderRequest): Promise<RenderedContent> {
    return this.parsed.render(request);
  }

  /** What one version wants to learn of its readers. @throws RenderError when it does not exist or cannot be read */
  tracking(version: Pick<RenderRequest, 'key' | 'version'>): Promise<TrackingSettings> {
    return this.parsed.tracking(version);
  }

  private async add(
    transaction: Transaction,
    version: { key: string; version: number; definition: MessageTemplateDefinition; principal: string },
  ): Promise<MessageTemplateView> {
    const { key, definition, principal } = version;
    const row = await this.templates.insert(transaction, { ...definition, key, version: version.version });
    const detail = { version: version.version };
    await this.audit.write(transaction, { principal, action: 'message_template.write', subject: key, detail });
    return toMessageTemplateView(row);
  }
}

const unknownTemplate = (): NotFoundException =>
  new NotFoundException({ code: 'TEMPLATE_UNKNOWN', detail: 'there is no such message template' });
