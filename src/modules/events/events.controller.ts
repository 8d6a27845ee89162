import {
  Body,
  Controller,
  Get,
  Headers,
  HttpStatus,
  NotFoundException,
  Post,
  Query,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { OptOuts } from '../consents/index.js';
import { EventFilter, EventPage, EventResults, EventsBody, type EventResult, type EventView } from './events.dto.js';
import { EventsService } from './events.service.js';

@ApiTags('Events')
@Controller('api/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly optOuts: OptOuts,
  ) {}

  @Post()
  @Scopes('events:write')
  @Answers({
    status: 202,
    summary: 'Takes one event, or a batch of up to 500',
    description:
      'Answered when everything is stored. A batch is answered with one result for each event, in order; one event with its result, and with 404 or 422 if it is refused. A request with `Sec-GPC: 1` also opts its users out of sale, sharing and targeting.',
    body: EventResults,
    refusals: { 404: 'no such user (one event)', 422: 'the timestamp lies in the future (one event)' },
  })
  async accept(
    @Body({ schema: EventsBody }) body: EventsBody,
    @Headers('sec-gpc') gpc: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EventResult | EventResults> {
    const real = ('events' in body ? body.events : [body]).filter(({ clock_domain }) => clock_domain === 'real');
    await this.optOuts.note(
      gpc,
      real.map(({ user_id }) => user_id),
    );
    if ('events' in body) return { results: [...(await this.events.accept(body.events))] };
    const result = await this.events.acceptOne(body);
    if (result.status === 'refused') throw toException(result.reason);
    if (result.status === 'accepted') void reply.status(HttpStatus.CREATED);
    return result;
  }

  @Get()
  @Scopes('events:read')
  @Answers({ status: 200, summary: 'Lists the events of a user, newest first', body: EventPage })
  list(@Query({ schema: EventFilter }) query: EventFilter): Promise<Page<EventView>> {
    return this.events.list({ user: query.user_id, name: query.event_name ?? null }, toPageRequest(query));
  }
}

function toException(reason: string | undefined): NotFoundException | UnprocessableEntityException {
  if (reason === 'USER_UNKNOWN') {
    const errors = [{ path: 'user_id', message: 'there is no such user' }];
    return new NotFoundException({ code: reason, detail: 'there is no such user', errors });
  }
  const errors = [{ path: 'timestamp', message: 'lies more than a day in the future' }];
  return new UnprocessableEntityException({ code: reason, detail: 'the event has not happened yet', errors });
}
