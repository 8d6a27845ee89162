import {
  BadRequestException,
  ConflictException,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { faultsOfMarketing } from './content-rules.js';
import type {
  MessageTemplateInput,
  MessageTemplateView,
  NewMessageTemplate,
  PreviewRequest,
  PreviewView,
} from './message-templates.dto.js';
import { toDefinition, toMessageTemplateView } from './message-templates.mapper.js';
import { MessageTemplatesRepository, type MessageTemplateDefinition } from './message-templates.repository.js';
import { parseContent, renderContent, RenderError, type MessageContent, type ParsedContent } from './renderer.js';

const PARSED_KEPT_MAX = 500;

/** Messages as authors write them: immutable versions under a key, and their rendering. */
@Injectable()
export class MessageTemplatesService {
  /** Versions never change, so that what was parsed once stays right. */
  private readonly parsed = new Map<string, ParsedContent>();

  constructor(
    private readonly database: Database,
    private readonly templates: MessageTemplatesRepository,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Makes version 1 of a key.
   *
   * @throws BadRequestException TEMPLATE_INVALID with part, line and column of each fault
   * @throws UnprocessableEntityException MARKETING_INCOMPLETE without unsubscribe link or postal address
   * @throws ConflictException TEMPLATE_KEY_TAKEN
   */
  async create({ key, ...input }: NewMessageTemplate, principal: string): Promise<MessageTemplateView> {
    const definition = accept(input);
    return this.database.transaction(async (transaction) => {
      await this.templates.lockKey(transaction, key);
      if ((await this.templates.findCurrent(key, transaction)) !== null) {
        throw new ConflictException({ code: 'TEMPLATE_KEY_TAKEN', detail: 'a template with this key exists' });
      }
      return this.add(transaction, { key, version: 1, definition, principal });
    });
  }

  /** Makes the next version, which every message sent from now on uses. The same content again makes none. */
  async change(key: string, input: MessageTemplateInput, principal: string): Promise<MessageTemplateView> {
    const definition = accept(input);
    return this.database.transaction(async (transaction) => {
      await this.templates.lockKey(transaction, key);
      const current = await this.templates.findCurrent(key, transaction);
      if (current === null) throw unknownTemplate();
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

  /** Those of `keys` under which there is a template. */
  existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.templates.existing(keys);
  }

  /** Renders content that need not be stored. @throws UnprocessableEntityException RENDER_FAILED */
  preview({ context, ...content }: PreviewRequest): PreviewView {
    const parsed = parseOrRefuse(content);
    try {
      return renderContent(parsed, context);
    } catch (error) {
      if (!(error instanceof RenderError)) throw error;
      throw new UnprocessableEntityException({ code: 'RENDER_FAILED', detail: error.message }, { cause: error });
    }
  }

  /**
   * Renders one version.
   *
   * @param request.context `user`, `run`, `company`, `unsubscribe_url`, as templates see them
   * @throws RenderError when the version does not exist or fails on these values
   */
  async render(request: {
    readonly key: string;
    readonly version: number;
    readonly context: Readonly<Record<string, unknown>>;
  }): Promise<MessageContent> {
    return renderContent(await this.load(request.key, request.version), request.context);
  }

  private async load(key: string, version: number): Promise<ParsedContent> {
    const name = `${key}@${version}`;
    const known = this.parsed.get(name);
    if (known !== undefined) return known;
    const row = await this.templates.findVersion(key, version);
    if (row === null) throw new RenderError(`there is no version ${version} of "${key}"`);
    const result = parseContent(row);
    if (result.kind === 'faults') throw new RenderError(result.faults.map(({ message }) => message).join('; '));
    if (this.parsed.size >= PARSED_KEPT_MAX) this.parsed.clear();
    this.parsed.set(name, result.content);
    return result.content;
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

function parseOrRefuse(content: MessageContent): ParsedContent {
  const result = parseContent(content);
  if (result.kind === 'parsed') return result.content;
  const detail = 'the template cannot be read';
  throw new BadRequestException({ code: 'TEMPLATE_INVALID', detail, errors: result.faults });
}

function accept(input: MessageTemplateInput): MessageTemplateDefinition {
  const parsed = parseOrRefuse(input);
  if (input.legal_basis === 'consent') {
    const errors = faultsOfMarketing(parsed);
    const detail = 'a message that needs consent must say who writes and how to withdraw';
    if (errors.length > 0) throw new UnprocessableEntityException({ code: 'MARKETING_INCOMPLETE', detail, errors });
  }
  return toDefinition(input);
}
