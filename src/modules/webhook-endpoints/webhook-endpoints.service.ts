import { BadRequestException, ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { DAY_MS } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import { Database, violatedUnique } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { addressIn, isPublicAddress } from '../../platform/outbound/public-address.js';
import { AuditLog } from '../access/index.js';
import type {
  NewWebhookEndpoint,
  WebhookEndpointInput,
  WebhookEndpointSecretView,
  WebhookEndpointView,
} from './webhook-endpoints.dto.js';
import { toWebhookEndpointView } from './webhook-endpoints.mapper.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';
import { makeWebhookSecret } from './webhook-signature.js';

/** How long the secret before a rotation signs too: receivers have so long to take the new one. */
const ROTATION_OVERLAP_MS = DAY_MS;

/** Where webhook steps send to. */
@Injectable()
export class WebhookEndpointsService {
  private readonly box: SecretBox;

  constructor(
    private readonly database: Database,
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.box = new SecretBox(config.secrets, 'webhook-endpoint');
  }

  /**
   * Registers an endpoint. Its secret is in the answer and nowhere else to be read.
   *
   * @throws BadRequestException for a URL that leads to a private place, ConflictException ENDPOINT_KEY_TAKEN
   */
  async create(
    { key, name, url, secret = makeWebhookSecret() }: NewWebhookEndpoint,
    principal: string,
  ): Promise<WebhookEndpointSecretView> {
    this.refuseForbidden(url);
    try {
      return await this.database.transaction(async (transaction) => {
        const sealed = this.box.seal(secret, key);
        const row = await this.endpoints.insert(transaction, { key, name, url, secret: sealed });
        const detail = { host: new URL(url).host };
        await this.audit.write(transaction, { principal, action: 'webhook_endpoint.create', subject: key, detail });
        return { ...toWebhookEndpointView(row), secret };
      });
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'an endpoint with this key exists';
      throw new ConflictException({ code: 'ENDPOINT_KEY_TAKEN', detail }, { cause: error });
    }
  }

  /** @throws NotFoundException ENDPOINT_UNKNOWN, BadRequestException for a URL that leads to a private place */
  async replace(key: string, input: WebhookEndpointInput, principal: string): Promise<WebhookEndpointView> {
    this.refuseForbidden(input.url);
    return this.database.transaction(async (transaction) => {
      const row = await this.endpoints.update(transaction, key, input);
      if (row === null) throw unknownEndpoint();
      const detail = { host: new URL(input.url).host };
      await this.audit.write(transaction, { principal, action: 'webhook_endpoint.change', subject: key, detail });
      return toWebhookEndpointView(row);
    });
  }

  /** Gives the endpoint a new secret; the one so far signs beside it for a day. @throws NotFoundException ENDPOINT_UNKNOWN */
  async rotate(key: string, principal: string): Promise<WebhookEndpointSecretView> {
    const secret = makeWebhookSecret();
    return this.database.transaction(async (transaction) => {
      const rotation = { secret: this.box.seal(secret, key), overlapMs: ROTATION_OVERLAP_MS };
      const row = await this.endpoints.rotate(transaction, key, rotation);
      if (row === null) throw unknownEndpoint();
      await this.audit.write(transaction, { principal, action: 'webhook_endpoint.rotate', subject: key });
      return { ...toWebhookEndpointView(row), secret };
    });
  }

  /** Steps that name it can do nothing from now on. @throws NotFoundException ENDPOINT_UNKNOWN */
  async remove(key: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (!(await this.endpoints.remove(transaction, key))) throw unknownEndpoint();
      await this.audit.write(transaction, { principal, action: 'webhook_endpoint.remove', subject: key });
    });
  }

  /** @throws NotFoundException ENDPOINT_UNKNOWN */
  async find(key: string): Promise<WebhookEndpointView> {
    const row = await this.endpoints.find(key);
    if (row === null) throw unknownEndpoint();
    return toWebhookEndpointView(row);
  }

  async list(page: PageRequest): Promise<Page<WebhookEndpointView>> {
    const rows = await this.endpoints.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toWebhookEndpointView);
  }

  /** Those of `keys` under which there is an endpoint. */
  existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.endpoints.existing(keys);
  }

  /** What can be seen without asking for the name; where a name leads is seen at each call. */
  private refuseForbidden(text: string): void {
    if (this.config.auth.mode === 'none') return;
    const url = new URL(text);
    const address = addressIn(url);
    const isPrivate =
      address === null ? /^(localhost|.*\.localhost)\.?$/.test(url.hostname) : !isPublicAddress(address);
    if (url.protocol === 'https:' && !isPrivate) return;
    const message = 'must be https and lead to a public address';
    throw new BadRequestException({
      code: 'INVALID_INPUT',
      detail: `url ${message}`,
      errors: [{ path: 'url', message }],
    });
  }
}

const unknownEndpoint = (): NotFoundException =>
  new NotFoundException({ code: 'ENDPOINT_UNKNOWN', detail: 'there is no such endpoint' });
