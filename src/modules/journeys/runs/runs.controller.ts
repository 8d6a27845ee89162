import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../../platform/http/openapi.js';
import { pageOf, toPageRequest, type Page } from '../../../platform/http/paging.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { UsersService } from '../../users/index.js';
import { RunCountQuery, RunCountsView, RunQueryDto } from './run-filter.dto.js';
import { RunRejectFilter, RunRejectPage, type RunRejectView } from './run-rejects.dto.js';
import { ExitRequest, RunView } from './runs.dto.js';
import { RunsService, type RunFilter } from './runs.service.js';

const id = z.uuid();
const refusals = { 404: 'no such run' };
const commandRefusals = { ...refusals, 409: 'the run has ended or is not in that state', 503: 'no worker answers' };

@ApiTags('Runs')
@Controller('api/runs')
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly users: UsersService,
  ) {}

  @Get()
  @Scopes('runs:read')
  @Answers({ status: 200, summary: 'Lists runs, newest first', body: pageOf(RunView) })
  async list(@Query({ schema: RunQueryDto }) query: RunQueryDto): Promise<Page<RunView>> {
    const userId = query.user_id === undefined ? null : await this.users.resolve(query.user_id);
    return this.runs.list({ ...toFilter(query), userId, state: query.state ?? null }, toPageRequest(query));
  }

  @Get('counts')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Counts runs per state, per step and per reason of their end',
    description: 'Takes the filters of the list. At most 1,000 lines in all, the most frequent first.',
    body: RunCountsView,
  })
  counts(@Query({ schema: RunCountQuery }) query: RunCountQuery): Promise<RunCountsView> {
    return this.runs.counts({ ...toFilter(query), userId: null, state: null });
  }

  @Get(':id')
  @Scopes('runs:read')
  @Answers({ status: 200, summary: 'One run', body: RunView, refusals })
  find(@Param('id', { schema: id }) runId: string): Promise<RunView> {
    return this.runs.find(runId);
  }

  @Get(':id/rejects')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Lists events that met none of the conditions of the run, newest first',
    body: RunRejectPage,
    refusals,
  })
  rejects(
    @Param('id', { schema: id }) runId: string,
    @Query({ schema: RunRejectFilter }) query: RunRejectFilter,
  ): Promise<Page<RunRejectView>> {
    return this.runs.rejects(runId, toPageRequest(query));
  }

  @Post(':id/pause')
  @Scopes('runs:operate')
  @Answers({
    status: 200,
    summary: 'Pauses a run: no message goes out until it is resumed',
    body: RunView,
    refusals: commandRefusals,
  })
  pause(@Param('id', { schema: id }) runId: string, @PrincipalName() principal: string): Promise<RunView> {
    return this.runs.pause(runId, principal);
  }

  @Post(':id/resume')
  @Scopes('runs:operate')
  @Answers({ status: 200, summary: 'Resumes a paused run', body: RunView, refusals: commandRefusals })
  resume(@Param('id', { schema: id }) runId: string, @PrincipalName() principal: string): Promise<RunView> {
    return this.runs.resume(runId, principal);
  }

  @Post(':id/exit')
  @Scopes('runs:operate')
  @Answers({ status: 200, summary: 'Ends a run, wherever it waits', body: RunView, refusals: commandRefusals })
  exit(
    @Param('id', { schema: id }) runId: string,
    @Body({ schema: ExitRequest }) { reason }: ExitRequest,
    @PrincipalName() principal: string,
  ): Promise<RunView> {
    return this.runs.exit(runId, reason, principal);
  }
}

const toFilter = (query: RunCountQuery): Omit<RunFilter, 'userId' | 'state'> => ({
  journey: query.journey ?? null,
  version: query.version ?? null,
  stepId: query.step ?? null,
  reason: query.reason ?? null,
  waitsFor: query.waits_for ?? null,
  startedFrom: query.started_from ?? null,
  startedUntil: query.started_until ?? null,
  endedFrom: query.ended_from ?? null,
  endedUntil: query.ended_until ?? null,
  clockDomain: query.clock_domain ?? null,
});
