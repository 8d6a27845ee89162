import { Body, Controller, Delete, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { toText } from './simulation-text.js';
import {
  SimulationFilter,
  SimulationPage,
  SimulationRequest,
  SimulationView,
  StartedSimulationView,
  type SimulationHeadView,
} from './simulations.dto.js';
import { SimulationsService } from './simulations.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const simulationId = z.uuid();
const unknown = { 404: 'no such simulation' };

@ApiTags('Journeys')
@Controller('api/journeys')
export class SimulationsController {
  constructor(private readonly simulations: SimulationsService) {}

  @Post('templates/:id/simulate')
  @Scopes('journeys:read')
  @Answers({
    status: 202,
    summary: 'Tries a journey on people on paper, without a message',
    description:
      'The interpreter and the gates of production live through the days in virtual time: what would be sent, to whom nothing, why, and what it would cost. Nothing is written but the result, which `Location` leads to. One at a time; ten may wait.',
    body: StartedSimulationView,
    refusals: { 404: 'no such journey or version', 429: 'ten simulations wait already' },
  })
  async start(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: SimulationRequest }) body: SimulationRequest,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartedSimulationView> {
    const started = await this.simulations.start(id, body, principal);
    void reply.header('location', `/api/journeys/simulations/${started.id}`);
    return started;
  }

  @Get('simulations')
  @Scopes('journeys:read')
  @Answers({ status: 200, summary: 'Lists simulations, newest first, without their results', body: SimulationPage })
  list(@Query({ schema: SimulationFilter }) query: SimulationFilter): Promise<Page<SimulationHeadView>> {
    return this.simulations.list(query.journey ?? null, toPageRequest(query));
  }

  @Get('simulations/:id')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'A simulation: how far it is, and what came of it',
    description: 'With `Accept: text/plain` as tables for a terminal.',
    body: SimulationView,
    refusals: unknown,
  })
  async find(
    @Param('id', { schema: simulationId }) id: string,
    @Headers('accept') accept = '',
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SimulationView | string> {
    const view = await this.simulations.find(id);
    if (!accept.startsWith('text/plain')) return view;
    void reply.type('text/plain; charset=utf-8');
    return toText(view);
  }

  @Delete('simulations/:id')
  @Scopes('journeys:read')
  @Answers({
    status: 204,
    summary: 'Cancels a simulation that waits or is under way',
    refusals: { ...unknown, 409: 'it is over' },
  })
  cancel(@Param('id', { schema: simulationId }) id: string): Promise<void> {
    return this.simulations.cancel(id);
  }
}
