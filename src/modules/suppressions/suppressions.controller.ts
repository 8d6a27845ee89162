import { Body, Controller, Delete, Get, Headers, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Lines, type LinesBody } from '../../platform/http/lines.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { SuppressionExports } from './suppression-exports.service.js';
import { SuppressionImports } from './suppression-imports.service.js';
import {
  ExportQuery,
  ImportQuery,
  ImportView,
  NewSuppression,
  SuppressionFilter,
  SuppressionPage,
  SuppressionView,
} from './suppressions.dto.js';
import { SuppressionsService } from './suppressions.service.js';

const FILE_TYPES = ['text/csv', 'application/x-ndjson'];

@ApiTags('Suppressions')
@Controller('api/suppressions')
export class SuppressionsController {
  constructor(
    private readonly suppressions: SuppressionsService,
    private readonly imports: SuppressionImports,
    private readonly exports: SuppressionExports,
  ) {}

  @Post()
  @Scopes('suppressions:write')
  @Answers({
    status: 201,
    summary: 'Suppresses an address or a user, in force at once',
    description:
      'Only a keyed hash of the address is stored. The same suppression again is answered with the first one.',
    body: SuppressionView,
    refusals: { 404: 'no such user', 422: '`until` has passed' },
  })
  add(
    @Body({ schema: NewSuppression }) body: NewSuppression,
    @PrincipalName() principal: string,
  ): Promise<SuppressionView> {
    return this.suppressions.add(body, principal);
  }

  @Post('import')
  @Scopes('suppressions:write')
  @RouteConfig({ takesLines: true })
  @NotRepeatable()
  @ApiConsumes(...FILE_TYPES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers({
    status: 200,
    summary: 'Takes in suppressions by the file, CSV or NDJSON, up to 100 MB',
    description:
      'Every line without a fault is stored; faults are told with their lines. The same file again does no harm.',
    body: ImportView,
    refusals: { 413: 'more than 100 MB; what came before it is stored', 415: 'neither CSV nor NDJSON' },
  })
  import(
    @Lines() body: LinesBody,
    @Query({ schema: ImportQuery }) query: ImportQuery,
    @PrincipalName() principal: string,
  ): Promise<ImportView> {
    return this.imports.run({ body, isDryRun: query.dry_run, principal });
  }

  @Get('export')
  @Scopes('suppressions:read')
  @ApiProduces(...FILE_TYPES)
  @Answers({
    status: 200,
    summary: 'All suppressions as a file, CSV or NDJSON, oldest first',
    description:
      'Keyed hashes, never addresses. An installation with the same first secret can take the file in again.',
  })
  async export(
    @Query({ schema: ExportQuery }) query: ExportQuery,
    @Headers('accept') accept = '',
  ): Promise<StreamableFile> {
    const { contentType, stream } = await this.exports.start(query, accept);
    const extension = contentType.startsWith('text/csv') ? 'csv' : 'ndjson';
    const disposition = `attachment; filename="suppressions.${extension}"`;
    return new StreamableFile(stream, { type: contentType, disposition });
  }

  @Get()
  @Scopes('suppressions:read')
  @Answers({
    status: 200,
    summary: 'Lists suppressions, newest first',
    description: 'Those that were lifted are left out unless they are asked for.',
    body: SuppressionPage,
  })
  list(@Query({ schema: SuppressionFilter }) query: SuppressionFilter): Promise<Page<SuppressionView>> {
    return this.suppressions.list(query, toPageRequest(query));
  }

  @Delete(':id')
  @Scopes('suppressions:write')
  @Answers({
    status: 204,
    summary: 'Lifts a suppression',
    refusals: { 404: 'no such suppression', 409: 'an erasure cannot be lifted' },
  })
  remove(@Param('id', { schema: z.uuid() }) id: string, @PrincipalName() principal: string): Promise<void> {
    return this.suppressions.remove(id, principal);
  }
}
