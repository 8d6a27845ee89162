import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { NewProvider, ProviderFilter, ProviderInput, ProviderPage, ProviderView } from './providers.dto.js';
import { ProvidersService } from './providers.service.js';

const refusals = { 404: 'no such provider' };
const keySchema = { schema: definitionKey };

@ApiTags('Providers')
@Controller('api/providers')
export class ProvidersController {
  constructor(private readonly providers: ProvidersService) {}

  @Post()
  @Scopes('providers:write')
  @Answers({
    status: 201,
    summary: 'Registers an account with a provider; its credentials are sealed and never shown',
    body: ProviderView,
    refusals: { 409: 'the key is taken' },
  })
  create(@Body({ schema: NewProvider }) body: NewProvider, @PrincipalName() principal: string): Promise<ProviderView> {
    return this.providers.create(body, principal);
  }

  @Get()
  @Scopes('providers:read')
  @Answers({ status: 200, summary: 'Lists accounts, newest first', body: ProviderPage })
  list(@Query({ schema: ProviderFilter }) query: ProviderFilter): Promise<Page<ProviderView>> {
    return this.providers.list({ channel: query.channel ?? null }, toPageRequest(query));
  }

  @Get(':key')
  @Scopes('providers:read')
  @Answers({ status: 200, summary: 'Shows an account, without its credentials', body: ProviderView, refusals })
  find(@Param('key', keySchema) key: string): Promise<ProviderView> {
    return this.providers.find(key);
  }

  @Put(':key')
  @Scopes('providers:write')
  @Answers({
    status: 200,
    summary: 'Replaces the settings of an account, and those credentials that are named',
    body: ProviderView,
    refusals,
  })
  replace(
    @Param('key', keySchema) key: string,
    @Body({ schema: ProviderInput }) body: ProviderInput,
    @PrincipalName() principal: string,
  ): Promise<ProviderView> {
    return this.providers.replace(key, body, principal);
  }

  @Post(':key/pause')
  @HttpCode(200)
  @Scopes('providers:write')
  @Answers({ status: 200, summary: 'Sends nothing more with the account', body: ProviderView, refusals })
  pause(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<ProviderView> {
    return this.providers.pause(key, principal);
  }

  @Post(':key/resume')
  @HttpCode(200)
  @Scopes('providers:write')
  @Answers({ status: 200, summary: 'Sends with the account again', body: ProviderView, refusals })
  resume(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<ProviderView> {
    return this.providers.resume(key, principal);
  }

  @Post(':key/rotate')
  @HttpCode(200)
  @Scopes('providers:write')
  @Answers({
    status: 200,
    summary: 'Gives the callbacks of the account another address; the one so far is void',
    body: ProviderView,
    refusals,
  })
  rotate(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<ProviderView> {
    return this.providers.rotate(key, principal);
  }

  @Delete(':key')
  @Scopes('providers:write')
  @Answers({ status: 204, summary: 'Removes an account', refusals })
  remove(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.providers.remove(key, principal);
  }
}
