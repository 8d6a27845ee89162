import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  NewWebhookEndpoint,
  WebhookEndpointFilter,
  WebhookEndpointInput,
  WebhookEndpointPage,
  WebhookEndpointSecretView,
  WebhookEndpointView,
} from './webhook-endpoints.dto.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';

const refusals = { 404: 'no such endpoint' };
const keySchema = { schema: definitionKey };

@ApiTags('Webhook endpoints')
@Controller('api/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(private readonly endpoints: WebhookEndpointsService) {}

  @Post()
  @NotRepeatable()
  @Scopes('webhooks:write')
  @Answers({
    status: 201,
    summary: 'Registers an endpoint; its secret is shown this once',
    body: WebhookEndpointSecretView,
    refusals: { 409: 'the key is taken' },
  })
  create(
    @Body({ schema: NewWebhookEndpoint }) body: NewWebhookEndpoint,
    @PrincipalName() principal: string,
  ): Promise<WebhookEndpointSecretView> {
    return this.endpoints.create(body, principal);
  }

  @Get()
  @Scopes('webhooks:read')
  @Answers({ status: 200, summary: 'Lists endpoints, newest first', body: WebhookEndpointPage })
  list(@Query({ schema: WebhookEndpointFilter }) query: WebhookEndpointFilter): Promise<Page<WebhookEndpointView>> {
    return this.endpoints.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('webhooks:read')
  @Answers({ status: 200, summary: 'Shows an endpoint', body: WebhookEndpointView, refusals })
  find(@Param('key', keySchema) key: string): Promise<WebhookEndpointView> {
    return this.endpoints.find(key);
  }

  @Put(':key')
  @Scopes('webhooks:write')
  @Answers({
    status: 200,
    summary: 'Replaces an endpoint; its secret stays, and one that was gone is used again',
    body: WebhookEndpointView,
    refusals,
  })
  replace(
    @Param('key', keySchema) key: string,
    @Body({ schema: WebhookEndpointInput }) body: WebhookEndpointInput,
    @PrincipalName() principal: string,
  ): Promise<WebhookEndpointView> {
    return this.endpoints.replace(key, body, principal);
  }

  @Post(':key/rotate')
  @NotRepeatable()
  @Scopes('webhooks:write')
  @Answers({
    status: 200,
    summary: 'Makes a new secret, shown this once; for a day messages are signed with both',
    body: WebhookEndpointSecretView,
    refusals,
  })
  rotate(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<WebhookEndpointSecretView> {
    return this.endpoints.rotate(key, principal);
  }

  @Delete(':key')
  @Scopes('webhooks:write')
  @Answers({ status: 204, summary: 'Removes an endpoint', refusals })
  remove(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.endpoints.remove(key, principal);
  }
}
