import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Answers } from '../../platform/http/openapi.js';
import { pageOf, toPageRequest, type Page } from '../../platform/http/paging.js';
import { CurrentPrincipal, PrincipalName } from '../../platform/http/principal.js';
import type { Principal } from '../../platform/http/principal.js';
import { ApiKeyView, ListQuery, NewApiKey, NewApiKeyView } from './access.dto.js';
import { ApiKeysService } from './api-keys.service.js';
import { Scopes } from './scopes.decorator.js';

@ApiTags('Access')
@Controller('api/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @NotRepeatable()
  @Scopes('keys:write')
  @Answers({ status: 201, summary: 'Makes an API key; its secret is shown this once', body: NewApiKeyView })
  create(
    @Body({ schema: NewApiKey }) body: NewApiKey,
    @CurrentPrincipal() principal: Principal,
  ): Promise<NewApiKeyView> {
    return this.keys.create(body, principal);
  }

  @Get()
  @Scopes('keys:read')
  @Answers({ status: 200, summary: 'Lists API keys, newest first', body: pageOf(ApiKeyView) })
  list(@Query({ schema: ListQuery }) query: ListQuery): Promise<Page<ApiKeyView>> {
    return this.keys.list(toPageRequest(query));
  }

  @Delete(':id')
  @Scopes('keys:write')
  @Answers({ status: 204, summary: 'Revokes an API key, effective at once', refusals: { 404: 'no such key' } })
  revoke(@Param('id', { schema: z.uuid() }) id: string, @PrincipalName() principal: string): Promise<void> {
    return this.keys.revoke(id, principal);
  }
}
