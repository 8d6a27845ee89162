import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../../platform/http/openapi.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { JumpRequest } from './jump.dto.js';
import { JumpService } from './jump.service.js';

const id = z.uuid();

@ApiTags('Runs')
@Controller('api/runs')
export class JumpController {
  constructor(private readonly jumps: JumpService) {}

  @Post(':id/jump')
  @Scopes('runs:operate')
  @Answers({
    status: 204,
    summary: 'Takes a run from where it waits to another step',
    description:
      'The step is entered like any other: limits, gates and caps apply. Refused while the run is busy, and where it could come to a message or a webhook that it may have sent, unless `allow_repeat` is said.',
    refusals: {
      404: 'no such run',
      409: 'the run has ended, is busy, or could send a message or a webhook again',
      422: 'no such step',
      503: 'no worker answers',
    },
  })
  jump(
    @Param('id', { schema: id }) runId: string,
    @Body({ schema: JumpRequest }) body: JumpRequest,
    @PrincipalName() principal: string,
  ): Promise<void> {
    return this.jumps.jump(runId, body, principal);
  }
}
