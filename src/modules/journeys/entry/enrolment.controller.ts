import { Body, Controller, HttpStatus, Param, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Answers } from '../../../platform/http/openapi.js';
import { Scopes } from '../../access/index.js';
import { userReference, UsersService, type UserReference } from '../../users/index.js';
import { Enrolment, EnrolmentView } from './enrolment.dto.js';
import { EnrolmentService } from './enrolment.service.js';

@ApiTags('Journeys')
@Controller('api/journeys')
export class EnrolmentController {
  constructor(
    private readonly enrolment: EnrolmentService,
    private readonly users: UsersService,
  ) {}

  @Post(':user_id/enroll')
  @Scopes('journeys:write')
  @Answers({
    status: 201,
    summary: 'Enrols a user in a published journey',
    description: 'Where an earlier entry holds the place (`once`, the same `entry_key`) it answers 200 with that run.',
    body: EnrolmentView,
    refusals: {
      403: 'virtual time in production, or the scope is missing',
      404: 'no such user or journey',
      409: 'not published, paused or over; the user is on hold, cools down or does not meet the condition; a limit is reached; or a virtual run is active',
    },
  })
  async enrol(
    @Param('user_id', { schema: userReference }) reference: UserReference,
    @Body({ schema: Enrolment }) body: Enrolment,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EnrolmentView> {
    const answer = await this.enrolment.enrol(await this.users.resolve(reference), body);
    if (!answer.is_new) void reply.status(HttpStatus.OK);
    return answer;
  }
}
