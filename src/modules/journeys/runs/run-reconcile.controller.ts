import { Body, Controller, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Answers } from '../../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../../platform/http/paging.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { ReconcilePage, ReconcileQuery, ReconcileRequest, ReconcileView } from './run-reconcile.dto.js';
import { RunReconcileService } from './run-reconcile.service.js';

const jobId = z.uuid();
const unknown = { 404: 'no such job' };

@ApiTags('Runs')
@Controller('api/runs/reconcile')
export class RunReconcileController {
  constructor(private readonly jobs: RunReconcileService) {}

  @Post()
  @Scopes('runs:operate')
  @Answers({
    status: 202,
    summary: 'Compares the tables of runs with Temporal, and puts right what differs',
    description:
      'Rebuilds lost progress, paths and ends from what the runs themselves say; no run is changed and nothing is sent. ' +
      '`Location` leads to the progress. One job at a time.',
    body: ReconcileView,
    refusals: { 409: 'another job is under way' },
  })
  async start(
    @Body({ schema: ReconcileRequest }) { journey }: ReconcileRequest,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReconcileView> {
    const job = await this.jobs.start(journey, principal);
    void reply.header('location', `/api/runs/reconcile/${job.id}`);
    return job;
  }

  @Get()
  @Scopes('runs:read')
  @Answers({ status: 200, summary: 'Lists reconcile jobs, newest first', body: ReconcilePage })
  list(@Query({ schema: ReconcileQuery }) query: ReconcileQuery): Promise<Page<ReconcileView>> {
    return this.jobs.list(toPageRequest(query));
  }

  @Get(':id')
  @Scopes('runs:read')
  @Answers({ status: 200, summary: 'A reconcile job: how far it is', body: ReconcileView, refusals: unknown })
  find(@Param('id', { schema: jobId }) id: string): Promise<ReconcileView> {
    return this.jobs.find(id);
  }

  @Delete(':id')
  @Scopes('runs:operate')
  @Answers({
    status: 204,
    summary: 'Cancels a reconcile job; what was put right stays so',
    refusals: { ...unknown, 409: 'it is over' },
  })
  cancel(@Param('id', { schema: jobId }) id: string, @PrincipalName() principal: string): Promise<void> {
    return this.jobs.cancel(id, principal);
  }
}
