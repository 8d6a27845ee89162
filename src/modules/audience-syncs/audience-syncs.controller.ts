import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  AudienceMemberPage,
  AudienceMemberQuery,
  AudienceSyncChange,
  AudienceSyncPage,
  AudienceSyncQuery,
  AudienceSyncView,
  NewAudienceSync,
  type AudienceMemberView,
} from './audience-syncs.dto.js';
import { AudienceSyncsService } from './audience-syncs.service.js';

const refusals = { 404: 'no such audience' };
const keySchema = { schema: definitionKey };

@ApiTags('Audiences')
@Controller('api/audience-syncs')
export class AudienceSyncsController {
  constructor(private readonly audiences: AudienceSyncsService) {}

  @Post()
  @Scopes('audiences:write')
  @NotRepeatable()
  @Answers({
    status: 201,
    summary: 'Keeps an audience of an advertising platform in step with users who agreed to it',
    body: AudienceSyncView,
    refusals: { 409: 'the key is taken' },
  })
  create(
    @Body({ schema: NewAudienceSync }) body: NewAudienceSync,
    @PrincipalName() principal: string,
  ): Promise<AudienceSyncView> {
    return this.audiences.create(body, principal);
  }

  @Get()
  @Scopes('audiences:read')
  @Answers({ status: 200, summary: 'Lists audiences, newest first', body: AudienceSyncPage })
  list(@Query({ schema: AudienceSyncQuery }) query: AudienceSyncQuery): Promise<Page<AudienceSyncView>> {
    return this.audiences.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('audiences:read')
  @Answers({ status: 200, summary: 'Shows an audience and how far it is', body: AudienceSyncView, refusals })
  find(@Param('key', keySchema) key: string): Promise<AudienceSyncView> {
    return this.audiences.find(key);
  }

  @Get(':key/members')
  @Scopes('audiences:read')
  @Answers({ status: 200, summary: 'Lists members, newest first', body: AudienceMemberPage, refusals })
  members(
    @Param('key', keySchema) key: string,
    @Query({ schema: AudienceMemberQuery }) query: AudienceMemberQuery,
  ): Promise<Page<AudienceMemberView>> {
    return this.audiences.membersOf(key, query.state ?? null, toPageRequest(query));
  }

  @Patch(':key')
  @Scopes('audiences:write')
  @Answers({ status: 200, summary: 'Changes, pauses or resumes an audience', body: AudienceSyncView, refusals })
  change(
    @Param('key', keySchema) key: string,
    @Body({ schema: AudienceSyncChange }) body: AudienceSyncChange,
    @PrincipalName() principal: string,
  ): Promise<AudienceSyncView> {
    return this.audiences.change(key, body, principal);
  }

  @Delete(':key')
  @Scopes('audiences:write')
  @Answers({ status: 204, summary: 'Removes everybody at the platform, then the audience here', refusals })
  remove(@Param('key', keySchema) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.audiences.remove(key, principal);
  }
}
