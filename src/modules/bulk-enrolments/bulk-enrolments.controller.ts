import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Lines, type LinesBody } from '../../platform/http/lines.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  BulkEnrolmentPage,
  BulkEnrolmentRequest,
  BulkEnrolmentView,
  BulkImportQuery,
  BulkQuery,
  EntryRefusalPage,
  type EntryRefusalView,
} from './bulk-enrolments.dto.js';
import { BulkEnrolmentsService } from './bulk-enrolments.service.js';
import { EnrolmentImports } from './enrolment-imports.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const bulkId = z.uuid();
const unknown = { 404: 'no such journey, or no such enrolment of it' };
const notOpen = { 404: 'no such journey', 409: 'the journey lets nobody in' };
const FILE_TYPES = ['text/csv', 'application/x-ndjson'];

@ApiTags('Journeys')
@Controller('api/journeys/templates/:id/enrolments')
export class BulkEnrolmentsController {
  constructor(
    private readonly enrolments: BulkEnrolmentsService,
    private readonly imports: EnrolmentImports,
  ) {}

  @Post()
  @Scopes('journeys:write')
  @Answers({
    status: 202,
    summary: 'Enrols many users in the current version',
    description:
      'Whoever is in already stays there. It goes on behind this answer, at most `per_second` users a second; `Location` leads to how far it is.',
    body: BulkEnrolmentView,
    refusals: notOpen,
  })
  async start(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: BulkEnrolmentRequest }) body: BulkEnrolmentRequest,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BulkEnrolmentView> {
    return located(reply, id, await this.enrolments.start(id, body, principal));
  }

  @Post('import')
  @Scopes('journeys:write')
  @RouteConfig({ takesLines: true })
  @NotRepeatable()
  @ApiConsumes(...FILE_TYPES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers({
    status: 202,
    summary: 'Enrols the users of a file, CSV or NDJSON, up to 100 MB',
    description:
      'Columns: `user_id` or `external_id`, and `entry_key`. A line with a fault is a refusal. Nobody enters before the whole file has come; one that breaks off enrols nobody.',
    body: BulkEnrolmentView,
    refusals: { ...notOpen, 413: 'more than 100 MB; nobody was enrolled', 415: 'neither CSV nor NDJSON' },
  })
  async import(
    @Param('id', { schema: idOrKey }) id: string,
    @Lines() body: LinesBody,
    @Query({ schema: BulkImportQuery }) query: BulkImportQuery,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BulkEnrolmentView> {
    return located(reply, id, await this.imports.run({ journey: id, body, query, principal }));
  }

  @Get()
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'Lists enrolments of many, newest first',
    body: BulkEnrolmentPage,
    refusals: { 404: 'no such journey' },
  })
  list(
    @Param('id', { schema: idOrKey }) id: string,
    @Query({ schema: BulkQuery }) query: BulkQuery,
  ): Promise<Page<BulkEnrolmentView>> {
    return this.enrolments.list(id, toPageRequest(query));
  }

  @Get(':enrolment_id')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'How far an enrolment of many is, and what came of it',
    body: BulkEnrolmentView,
    refusals: unknown,
  })
  find(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('enrolment_id', { schema: bulkId }) enrolmentId: string,
  ): Promise<BulkEnrolmentView> {
    return this.enrolments.find(id, enrolmentId);
  }

  @Get(':enrolment_id/refusals')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'Who was not let in, and why, in the order in which it happened',
    body: EntryRefusalPage,
    refusals: unknown,
  })
  refusals(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('enrolment_id', { schema: bulkId }) enrolmentId: string,
    @Query({ schema: BulkQuery }) query: BulkQuery,
  ): Promise<Page<EntryRefusalView>> {
    return this.enrolments.refusals(id, enrolmentId, toPageRequest(query));
  }

  @Post(':enrolment_id/pause')
  @Scopes('journeys:write')
  @Answers({
    status: 200,
    summary: 'Lets nobody in until it is resumed',
    body: BulkEnrolmentView,
    refusals: { ...unknown, 409: 'it is over, or its file still comes' },
  })
  pause(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('enrolment_id', { schema: bulkId }) enrolmentId: string,
    @PrincipalName() principal: string,
  ): Promise<BulkEnrolmentView> {
    return this.enrolments.command(id, enrolmentId, 'pause', principal);
  }

  @Post(':enrolment_id/resume')
  @Scopes('journeys:write')
  @Answers({
    status: 200,
    summary: 'Goes on where it was paused',
    body: BulkEnrolmentView,
    refusals: { ...unknown, 409: 'it is over, or its file still comes' },
  })
  resume(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('enrolment_id', { schema: bulkId }) enrolmentId: string,
    @PrincipalName() principal: string,
  ): Promise<BulkEnrolmentView> {
    return this.enrolments.command(id, enrolmentId, 'resume', principal);
  }

  @Post(':enrolment_id/cancel')
  @Scopes('journeys:write')
  @Answers({
    status: 200,
    summary: 'Lets nobody in any more',
    description: 'Who has entered stays in the journey.',
    body: BulkEnrolmentView,
    refusals: { ...unknown, 409: 'it is over, or its file still comes' },
  })
  cancel(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('enrolment_id', { schema: bulkId }) enrolmentId: string,
    @PrincipalName() principal: string,
  ): Promise<BulkEnrolmentView> {
    return this.enrolments.command(id, enrolmentId, 'cancel', principal);
  }
}

function located(reply: FastifyReply, journey: string, view: BulkEnrolmentView): BulkEnrolmentView {
  void reply.header('location', `/api/journeys/templates/${journey}/enrolments/${view.id}`);
  return view;
}
