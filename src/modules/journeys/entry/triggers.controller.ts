import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../../platform/http/paging.js';
import { Scopes } from '../../access/index.js';
import { TriggerRefusalPage, TriggerRefusalQuery, type TriggerRefusalView } from './triggers.dto.js';
import { TriggersService } from './triggers.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });

@ApiTags('Journeys')
@Controller('api/journeys/templates/:id')
export class TriggersController {
  constructor(private readonly triggers: TriggersService) {}

  @Get('trigger-refusals')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'Events that would have let somebody in, and why they did not, newest first',
    description: 'Kept for 30 days. An event of somebody who is in already changes nothing and is not listed.',
    body: TriggerRefusalPage,
    refusals: { 404: 'no such journey' },
  })
  refusals(
    @Param('id', { schema: idOrKey }) id: string,
    @Query({ schema: TriggerRefusalQuery }) query: TriggerRefusalQuery,
  ): Promise<Page<TriggerRefusalView>> {
    return this.triggers.refusals(id, toPageRequest(query));
  }
}
