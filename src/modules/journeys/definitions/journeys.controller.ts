import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { pageFields, pageOf, toPageRequest, type Page } from '../../../platform/http/paging.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { JourneyLifeView } from '../life/journey-life.dto.js';
import { JourneyLife } from '../life/journey-life.service.js';
import { journeySchema } from './journey-schema.js';
import { JourneyDefinitionDto, JourneyVersionView, JourneyView } from './journeys.dto.js';
import { JourneysService } from './journeys.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const ListQuery = z.strictObject({
  ...pageFields,
  archived: z.enum(['true', 'false']).default('false').meta({ description: 'true: those that are archived, instead' }),
});
type ListQuery = z.infer<typeof ListQuery>;
const refusals = { 404: 'no such journey' };
/** `text/yaml` is taken too. */
const DEFINITION_TYPES = ['application/json', 'application/yaml'];
const Schema = z.record(z.string(), z.unknown()).meta({ id: 'JsonSchema' });

@ApiTags('Journeys')
@Controller('api/journeys')
export class JourneysController {
  constructor(
    private readonly journeys: JourneysService,
    private readonly life: JourneyLife,
  ) {}

  @Get('schema')
  @Scopes('journeys:read')
  @Answers({
    status: 200,
    summary: 'The shape of a journey as JSON Schema, draft 2020-12',
    description: 'For editors. What no schema can say is told when a journey is stored: unknown steps, cycles, limits.',
    body: Schema,
  })
  schema(): Readonly<Record<string, unknown>> {
    return journeySchema();
  }

  @Post('templates')
  @Scopes('journeys:write')
  @RouteConfig({ takesYaml: true })
  @ApiConsumes(...DEFINITION_TYPES)
  @Answers({
    status: 201,
    summary: 'Stores a new journey as a draft',
    body: JourneyView,
    refusals: { 409: 'the key is taken' },
  })
  create(
    @Body({ schema: JourneyDefinitionDto }) body: JourneyDefinitionDto,
    @PrincipalName() principal: string,
  ): Promise<JourneyView> {
    return this.journeys.create(body, principal);
  }

  @Get('templates')
  @Scopes('journeys:read')
  @Answers({ status: 200, summary: 'Lists journeys that are not archived, newest first', body: pageOf(JourneyView) })
  list(@Query({ schema: ListQuery }) query: ListQuery): Promise<Page<JourneyView>> {
    return this.journeys.list({ isArchived: query.archived === 'true' }, toPageRequest(query));
  }

  @Get('templates/:id')
  @Scopes('journeys:read')
  @Answers({ status: 200, summary: 'One journey with its draft, and how it fares', body: JourneyLifeView, refusals })
  find(@Param('id', { schema: idOrKey }) id: string): Promise<JourneyLifeView> {
    return this.life.find(id);
  }

  @Put('templates/:id')
  @Scopes('journeys:write')
  @RouteConfig({ takesYaml: true })
  @ApiConsumes(...DEFINITION_TYPES)
  @Answers({
    status: 200,
    summary: 'Replaces the draft',
    description: 'Runs go on in the version that they entered.',
    body: JourneyView,
    refusals: { ...refusals, 409: 'the key differs' },
  })
  replace(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: JourneyDefinitionDto }) body: JourneyDefinitionDto,
    @PrincipalName() principal: string,
  ): Promise<JourneyView> {
    return this.journeys.replace(id, body, principal);
  }

  @Post('templates/:id/publish')
  @Scopes('journeys:write')
  @Answers({
    status: 200,
    summary: 'Freezes the draft as the version that new runs enter',
    description:
      'Publishing unchanged content again answers with the version that exists. A paused journey stays paused.',
    body: JourneyVersionView,
    refusals: {
      ...refusals,
      409: 'the draft changed, or the journey is draining, stopped or archived',
      422: 'a step names a template, an action, a journey or an endpoint that does not exist',
    },
  })
  publish(
    @Param('id', { schema: idOrKey }) id: string,
    @PrincipalName() principal: string,
  ): Promise<JourneyVersionView> {
    return this.journeys.publish(id, principal);
  }

  @Get('templates/:id/versions')
  @Scopes('journeys:read')
  @Answers({ status: 200, summary: 'Published versions, newest first', body: z.array(JourneyVersionView), refusals })
  versions(@Param('id', { schema: idOrKey }) id: string): Promise<readonly JourneyVersionView[]> {
    return this.journeys.versions(id);
  }
}
