import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  NewPolicy,
  PolicyDefinition,
  PolicyFilter,
  PolicyPage,
  PolicyView,
  VersionFilter,
  WakePage,
  WakeView,
  WrittenPolicyView,
} from './policies.dto.js';
import { PoliciesService } from './policies.service.js';
import { PolicyPreviews } from './policy-previews.js';
import { PreviewRequest, PreviewView } from './preview.dto.js';

const unknown = { 404: 'no such policy' };
const single = 'another policy of a kind of which there may be only one is in force';
const unknownJourney = 'it names a journey that does not exist';
const wakeId = z.uuid();

@ApiTags('Policies')
@Controller('api/policies')
export class PoliciesController {
  constructor(
    private readonly policies: PoliciesService,
    private readonly previews: PolicyPreviews,
  ) {}

  @Post()
  @Scopes('policies:write')
  @Answers({
    status: 201,
    summary: 'Makes a policy',
    body: WrittenPolicyView,
    refusals: { 409: `the key is taken, or ${single}`, 422: unknownJourney },
  })
  create(@Body({ schema: NewPolicy }) body: NewPolicy, @PrincipalName() principal: string): Promise<WrittenPolicyView> {
    return this.policies.create(body, principal);
  }

  @Get()
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Lists policies, newest first', body: PolicyPage })
  list(@Query({ schema: PolicyFilter }) query: PolicyFilter): Promise<Page<PolicyView>> {
    return this.policies.list({ isActive: query.active, kind: query.kind ?? null }, toPageRequest(query));
  }

  @Post('preview')
  @Scopes('policies:read')
  @Answers({
    status: 200,
    summary: 'Tells how many past contacts a rule would have stopped',
    description:
      'Makes the real contacts of the period again, in their order, under this rule alone; nothing is stored. What is stopped takes no place under a cap, tires nobody, and has no outcome; all else ended as it has ended. Local times are those of the zone that each user has today, and dates from which a rule is to hold are passed over.',
    body: PreviewView,
    refusals: { 409: 'another preview is under way', 422: 'too many contacts: look at a sample' },
  })
  preview(@Body({ schema: PreviewRequest }) body: PreviewRequest): Promise<PreviewView> {
    return this.previews.preview(body);
  }

  @Get('wakes')
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Lists how far looser policies have woken waiting runs', body: WakePage })
  wakes(@Query({ schema: VersionFilter }) query: VersionFilter): Promise<Page<WakeView>> {
    return this.policies.listWakes(toPageRequest(query));
  }

  @Get('wakes/:id')
  @Scopes('policies:read')
  @Answers({ status: 200, summary: 'Shows one of them', body: WakeView, refusals: { 404: 'no such wake' } })
  wake(@Param('id', { schema: wakeId }) id: string): Promise<WakeView> {
    return this.policies.findWake(id);
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
    @Query({ schema: VersionFilter }) query: VersionFilter,
  ): Promise<Page<PolicyView>> {
    return this.policies.versions(key, toPageRequest(query));
  }

  @Put(':key')
  @Scopes('policies:write')
  @Answers({
    status: 200,
    summary: 'Puts the next version in force',
    body: WrittenPolicyView,
    refusals: { ...unknown, 409: single, 422: unknownJourney },
  })
  change(
    @Param('key', { schema: definitionKey }) key: string,
    @Body({ schema: PolicyDefinition }) body: PolicyDefinition,
    @PrincipalName() principal: string,
  ): Promise<WrittenPolicyView> {
    return this.policies.change(key, body, principal);
  }

  @Delete(':key')
  @Scopes('policies:write')
  @Answers({ status: 204, summary: 'Takes a policy out of force', refusals: unknown })
  deactivate(@Param('key', { schema: definitionKey }) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.policies.deactivate(key, principal);
  }
}
