import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { pageOf, toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { UsersService } from '../users/index.js';
import { DecisionQuery, DecisionView, ExplanationView, NextBestActionRequest } from './decisions.dto.js';
import { DecisionsService } from './decisions.service.js';

@ApiTags('Decisions')
@Controller('api/decisions')
export class DecisionsController {
  constructor(
    private readonly decisions: DecisionsService,
    private readonly users: UsersService,
  ) {}

  @Post('next-best-action')
  @Scopes('decisions:write')
  @Answers({
    status: 201,
    summary: 'Weighs actions for a user against doing nothing',
    description: 'Records the decision but claims and sends nothing. Silence is channel `none` and action `none`.',
    body: ExplanationView,
    refusals: { 404: 'no such user' },
  })
  async nextBestAction(@Body({ schema: NextBestActionRequest }) body: NextBestActionRequest): Promise<ExplanationView> {
    return this.decisions.nextBestAction({
      userId: await this.users.resolve(body.user_id),
      actions: body.actions ?? null,
      isDryRun: body.dry_run,
      clockDomain: body.clock_domain,
    });
  }

  @Get()
  @Scopes('decisions:read')
  @Answers({ status: 200, summary: 'Lists decisions, newest first', body: pageOf(DecisionView) })
  async list(@Query({ schema: DecisionQuery }) query: DecisionQuery): Promise<Page<DecisionView>> {
    const filter = {
      userId: query.user_id === undefined ? null : await this.users.resolve(query.user_id),
      runKey: query.run_key ?? null,
      outcome: query.outcome ?? null,
      reason: query.reason ?? null,
    };
    return this.decisions.list(filter, toPageRequest(query));
  }

  @Get(':id')
  @Scopes('decisions:read')
  @Answers({ status: 200, summary: 'One decision', body: DecisionView, refusals: { 404: 'no such decision' } })
  find(@Param('id', { schema: z.uuid() }) id: string): Promise<DecisionView> {
    return this.decisions.find(id);
  }

  @Get(':id/explain')
  @Scopes('decisions:read')
  @Answers({
    status: 200,
    summary: 'Why it was decided so, and what would have changed it',
    body: ExplanationView,
    refusals: { 404: 'no such decision', 410: 'the user was erased' },
  })
  explain(@Param('id', { schema: z.uuid() }) id: string): Promise<ExplanationView> {
    return this.decisions.explain(id);
  }
}
