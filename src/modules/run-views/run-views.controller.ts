import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import {
  PathQuery,
  RunDecisionsPage,
  RunDecisionsQuery,
  RunPathPage,
  RunStoryView,
  type RunDecisionView,
  type RunMoveView,
} from './run-views.dto.js';
import { RunViewsService } from './run-views.service.js';

const id = z.uuid();
const refusals = { 404: 'no such run' };
const MOVES_DEFAULT = 50;

@ApiTags('Runs')
@Controller('api/runs')
export class RunViewsController {
  constructor(private readonly views: RunViewsService) {}

  @Get(':id/view')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Everything about a run: where it has been, why, and what it waits for',
    description:
      'Entry, present wait with its next instants, path, decisions with their reasons and deliveries, events that met ' +
      'none of its conditions, and what endpoints answered.',
    body: RunStoryView,
    refusals,
  })
  story(@Param('id', { schema: id }) runId: string): Promise<RunStoryView> {
    return this.views.story(runId);
  }

  @Get(':id/path')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Lists the steps that a run came to, oldest first, and what came of each',
    body: RunPathPage,
    refusals,
  })
  path(
    @Param('id', { schema: id }) runId: string,
    @Query({ schema: PathQuery }) { cursor, limit }: PathQuery,
  ): Promise<Page<RunMoveView>> {
    return this.views.path(runId, { after: cursor ?? 0, limit: limit ?? MOVES_DEFAULT });
  }

  @Get(':id/decisions')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Lists the decisions of a run with their reasons and deliveries, newest first',
    body: RunDecisionsPage,
    refusals,
  })
  decisions(
    @Param('id', { schema: id }) runId: string,
    @Query({ schema: RunDecisionsQuery }) query: RunDecisionsQuery,
  ): Promise<Page<RunDecisionView>> {
    return this.views.decisionsFor(runId, toPageRequest(query));
  }
}
