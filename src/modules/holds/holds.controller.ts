import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from '../users/index.js';
import { HoldInput, HoldView } from './holds.dto.js';
import { HoldsService } from './holds.service.js';

const refusals = { 404: 'no such user', 410: 'the user was erased' };

@ApiTags('Users')
@Controller('api/users/:id/hold')
export class HoldsController {
  constructor(private readonly holds: HoldsService) {}

  @Post()
  @Scopes('users:write')
  @Answers({
    status: 200,
    summary: 'Keeps a user from being contacted, on whatever basis, and from entering journeys',
    description: 'Messages that come due are put off. A hold that stands is replaced; the same again changes nothing.',
    body: HoldView,
    refusals: { ...refusals, 422: 'it would have ended before now' },
  })
  hold(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Body({ schema: HoldInput }) body: HoldInput,
    @PrincipalName() principal: string,
  ): Promise<HoldView> {
    return this.holds.hold(reference, body, principal);
  }

  @Get()
  @Scopes('users:read')
  @Answers({
    status: 200,
    summary: 'Shows the hold on a user',
    body: HoldView,
    refusals: { ...refusals, 404: 'no such user, or no hold' },
  })
  find(@Param('id', { schema: userReference }) reference: UserReference): Promise<HoldView> {
    return this.holds.find(reference);
  }

  @Delete()
  @Scopes('users:write')
  @Answers({ status: 204, summary: 'Lifts the hold; what was put off is asked again', refusals })
  lift(
    @Param('id', { schema: userReference }) reference: UserReference,
    @PrincipalName() principal: string,
  ): Promise<void> {
    return this.holds.lift(reference, principal);
  }
}
