import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../../platform/http/paging.js';
import { Scopes } from '../../access/index.js';
import { ExposurePage, ExposureQuery, SplitView, type ExposureView } from './splits.dto.js';
import { SplitsService } from './splits.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const stepId = definitionKey.meta({ description: 'id of the split', example: 'which_message' });
const refusals = { 404: 'no such journey, or no published version of it has such a split' };

@ApiTags('Journeys')
@Controller('api/journeys/templates/:id/splits/:step_id')
export class SplitsController {
  constructor(private readonly splits: SplitsService) {}

  @Get()
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'How many users came to each arm of a split and met it, and whether chance explains it',
    description:
      'Each user counts once as assigned, by the first run that came to the split, and once as exposed, by the first ' +
      'that met its arm. Runs in virtual time are left out.',
    body: SplitView,
    refusals,
  })
  find(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('step_id', { schema: stepId }) step: string,
  ): Promise<SplitView> {
    return this.splits.find(id, step);
  }

  @Get('exposures')
  @Scopes('runs:read')
  @Answers({
    status: 200,
    summary: 'Lists runs that came through a split: their arms, and when the user met them',
    body: ExposurePage,
    refusals,
  })
  exposures(
    @Param('id', { schema: idOrKey }) id: string,
    @Param('step_id', { schema: stepId }) step: string,
    @Query({ schema: ExposureQuery }) query: ExposureQuery,
  ): Promise<Page<ExposureView>> {
    const { arm = null, exposed, clock_domain: clockDomain } = query;
    const isExposed = exposed === undefined ? null : exposed === 'true';
    return this.splits.exposures(id, step, { arm, isExposed, clockDomain }, toPageRequest(query));
  }
}
