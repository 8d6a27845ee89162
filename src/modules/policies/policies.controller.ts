import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { NewPolicy, PolicyDefinition, PolicyFilter, PolicyPage, PolicyView } from './policies.dto.js';
import { PoliciesService } from './policies.service.js';

const unknown = { 404: 'no such policy' };

@ApiTags('Policies')
@Controller('api/policies')
export class PoliciesController {
  constructor(private readonly policies: PoliciesService) {}

  @Post()
  @Scopes('policies:write')
  @Answers({ status: 201, summary: 'Makes a policy', body: PolicyView, refusals: { 409: 'the key is taken' } })
  create(@Body({ schema: NewPolicy }) body: NewPolicy, @PrincipalName() principal: string): Promise<PolicyView> {
    return this.policies.create(body, principal);
  }

  @Get()
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Lists the policies in force, newest first', body: PolicyPage })
  list(@Query({ schema: PolicyFilter }) query: PolicyFilter): Promise<Page<PolicyView>> {
    return this.policies.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Shows the last version', body: PolicyView, refusals: unknown })
  find(@Param('key', { schema: definitionKey }) key: string): Promise<PolicyView> {
    return this.policies.find(key);
  }

  @Get(':key/versions')
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Lists all versions, newest first', body: PolicyPage, refusals: unknown })
  versions(
    @Param('key', { schema: definitionKey }) key: string,
    @Query({ schema: PolicyFilter }) query: PolicyFilter,
  ): Promise<Page<PolicyView>> {
    return this.policies.versions(key, toPageRequest(query));
  }

  @Put(':key')
  @Scopes('policies:write')
  @Answers({ status: 200, summary: 'Puts the next version in force', body: PolicyView, refusals: unknown })
  change(
    @Param('key', { schema: definitionKey }) key: string,
    @Body({ schema: PolicyDefinition }) body: PolicyDefinition,
    @PrincipalName() principal: string,
  ): Promise<PolicyView> {
    return this.policies.change(key, body, principal);
  }

  @Delete(':key')
  @Scopes('policies:write')
  @Answers({ status: 204, summary: 'Takes a policy out of force', refusals: unknown })
  deactivate(@Param('key', { schema: definitionKey }) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.policies.deactivate(key, principal);
  }
}
