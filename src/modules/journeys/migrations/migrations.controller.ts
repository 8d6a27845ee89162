import { Body, Controller, Delete, Get, HttpStatus, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../../platform/http/paging.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import {
  MigrationAnswer,
  MigrationFilter,
  MigrationPage,
  MigrationPreviewView,
  MigrationRequest,
  MigrationRunFilter,
  MigrationRunPage,
  type MigrationRunView,
  MigrationView,
} from './migrations.dto.js';
import { MigrationsService } from './migrations.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const migrationId = z.uuid();
const unknown = { 404: 'no such journey or migration' };
const faults = { 404: 'no such journey', 422: 'no such version or step, or somebody could get a message twice' };

@ApiTags('Journeys')
@Controller('api/journeys/templates/:id/migrations')
export class MigrationsController {
  constructor(private readonly migrations: MigrationsService) {}

  @Post('preview')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'What a migration would do with the runs as they stand now',
    body: MigrationPreviewView,
    refusals: faults,
  })
  preview(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: MigrationRequest }) body: MigrationRequest,
  ): Promise<MigrationPreviewView> {
    return this.migrations.preview(id, body);
  }

  @Post()
  @Scopes('journeys:write')
  @Answers({
    status: 201,
    summary: 'Moves runs of one version to another',
    description:
      'Each run moves once, from where it waits, or as soon as what it is busy with is over. With `dry_run` it answers 200 with the preview.',
    body: MigrationAnswer,
    refusals: { ...faults, 409: 'another migration of the journey is under way' },
  })
  async start(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: MigrationRequest }) body: MigrationRequest,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MigrationView | MigrationPreviewView> {
    if (!body.dry_run) return this.migrations.start(id, body, principal);
    void reply.status(HttpStatus.OK);
    return this.migrations.preview(id, body);
  }

  @Get()
  @Scopes('journeys:read')
  @Answers({ status: 200, summary: 'Lists migrations, newest first', body: MigrationPage, refusals: unknown })
  list(
    @Param('id', { schema: idOrKey }) id: string,
    @Query({ schema: MigrationFilter }) query: MigrationFilter,
  ): Promise<Page<MigrationView>> {
    return this.migrations.list(id, toPageRequest(query));
  }

  @Get(':migration_id')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'A migration: how far it is, and what came of it',
    body: MigrationView,
    refusals: unknown,
  })
  find(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('migration_id', { schema: migrationId }) migration: string,
  ): Promise<MigrationView> {
    return this.migrations.find(id, migration);
  }

  @Get(':migration_id/runs')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Lists the runs of a migration: which moved where, which stayed and why',
    description: 'Runs that have not been told yet are not among them.',
    body: MigrationRunPage,
    refusals: unknown,
  })
  runs(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('migration_id', { schema: migrationId }) migration: string,
    @Query({ schema: MigrationRunFilter }) query: MigrationRunFilter,
  ): Promise<Page<MigrationRunView>> {
    return this.migrations.runs(id, migration, query.state ?? null, toPageRequest(query));
  }

  @Delete(':migration_id')
  @Scopes('journeys:write')
  @Answers({
    status: 204,
    summary: 'Cancels a migration',
    description: 'No more runs are told. Those that were told may still move; nobody is moved back.',
    refusals: { ...unknown, 409: 'it is over' },
  })
  cancel(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('migration_id', { schema: migrationId }) migration: string,
    @PrincipalName() principal: string,
  ): Promise<void> {
    return this.migrations.cancel(id, migration, principal);
  }
}
