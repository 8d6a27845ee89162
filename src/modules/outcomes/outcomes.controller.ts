import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { NewOutcome, OutcomePage, OutcomeQuery, OutcomeView } from './outcomes.dto.js';
import { OutcomesService } from './outcomes.service.js';

@ApiTags('Deliveries')
@Controller('api/deliveries/:id/outcomes')
export class OutcomesController {
  constructor(private readonly outcomes: OutcomesService) {}

  @Post()
  @Scopes('deliveries:write')
  @Answers({
    status: 201,
    summary: 'Records what became of a message, with its consequences at once',
    description:
      'A hard bounce suppresses the address, or ends the device; a complaint suppresses address and person for marketing; so do several ' +
      'soft bounces for a time; an unsubscription withdraws the consent that the message rested on. Each kind counts once: the same again is answered with the first one.',
    body: OutcomeView,
    refusals: { 404: 'no such delivery', 409: 'no message of this delivery has left' },
  })
  record(
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: NewOutcome }) body: NewOutcome,
  ): Promise<OutcomeView> {
    return this.outcomes.record({ deliveryId: id, ...body });
  }

  @Get()
  @Scopes('deliveries:read')
  @Answers({
    status: 200,
    summary: 'What became of a message, in the order in which it became known',
    body: OutcomePage,
    refusals: { 404: 'no such delivery' },
  })
  list(
    @Param('id', { schema: z.uuid() }) id: string,
    @Query({ schema: OutcomeQuery }) query: OutcomeQuery,
  ): Promise<Page<OutcomeView>> {
    return this.outcomes.list(id, toPageRequest(query));
  }
}
