import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { JourneyLifeView, LifeMove } from './journey-life.dto.js';
import { JourneyLife, type Mover } from './journey-life.service.js';

const idOrKey = z.union([z.uuid(), definitionKey]).meta({ description: 'id or key of the journey' });
const refusals = { 404: 'no such journey', 409: 'the state of the journey has no such move; `code` names the state' };
const answer = { status: 200, body: JourneyLifeView, refusals } as const;

@ApiTags('Journeys')
@Controller('api/journeys/templates')
export class JourneyLifeController {
  constructor(private readonly life: JourneyLife) {}

  @Post(':id/pause')
  @Scopes('journeys:write')
  @Answers({
    ...answer,
    summary: 'Puts off every message of the journey and lets nobody in, until it is resumed',
    description:
      'Runs go on otherwise: events reach them, waits end, other steps are done. A repeated call changes nothing.',
  })
  pause(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'pause', moverOf(body, principal));
  }

  @Post(':id/resume')
  @Scopes('journeys:write')
  @Answers({
    ...answer,
    summary: 'Ends the pause of a journey',
    description: 'What was put off is asked again, so many runs a second; `wake` tells how far that is.',
  })
  resume(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'resume', moverOf(body, principal));
  }

  @Post(':id/drain')
  @Scopes('journeys:write')
  @Answers({
    ...answer,
    summary: 'Lets nobody in any more; the runs go on to their end, then the journey is stopped',
  })
  drain(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'drain', moverOf(body, principal));
  }

  @Post(':id/stop')
  @Scopes('journeys:write')
  @Answers({
    ...answer,
    summary: 'Ends the journey for good, with every run of it',
    description:
      'No message goes out from now on. Runs end with `journey_stopped`, so many a second; `stop` tells how far.',
  })
  stop(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'stop', moverOf(body, principal));
  }

  @Post(':id/archive')
  @Scopes('journeys:write')
  @Answers({
    ...answer,
    summary: 'Takes a draft or a stopped journey out of the list',
    description: 'Its key stays taken.',
  })
  archive(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'archive', moverOf(body, principal));
  }

  @Post(':id/unarchive')
  @Scopes('journeys:write')
  @Answers({ ...answer, summary: 'Brings a journey back to the state in which it was archived' })
  unarchive(
    @Param('id', { schema: idOrKey }) id: string,
    @Body({ schema: LifeMove }) body: LifeMove,
    @PrincipalName() principal: string,
  ): Promise<JourneyLifeView> {
    return this.life.move(id, 'unarchive', moverOf(body, principal));
  }
}

const moverOf = ({ reason = null }: { readonly reason?: string | null | undefined }, principal: string): Mover => ({
  principal,
  reason,
});
