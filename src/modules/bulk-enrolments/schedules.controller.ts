import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { Scopes } from '../access/index.js';
import { TriggersView } from './schedules.dto.js';
import { SchedulesService } from './schedules.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });

@ApiTags('Journeys')
@Controller('api/journeys/templates/:id/triggers')
export class SchedulesController {
  constructor(private readonly schedules: SchedulesService) {}

  @Get()
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'What lets people into the current version by itself, and when next',
    body: TriggersView,
    refusals: { 404: 'no such journey' },
  })
  triggers(@Param('id', { schema: idOrKey }) id: string): Promise<TriggersView> {
    return this.schedules.triggers(id);
  }
}
