import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { ControlsInput, ControlsView } from './controls.dto.js';
import { ControlsService } from './controls.service.js';

@ApiTags('Controls')
@Controller('api/controls')
export class ControlsController {
  constructor(private readonly controls: ControlsService) {}

  @Get()
  @Scopes('controls:read')
  @Answers({ status: 200, summary: 'Shows the switches', body: ControlsView })
  read(): Promise<ControlsView> {
    return this.controls.read();
  }

  @Put()
  @Scopes('controls:write')
  @Answers({ status: 200, summary: 'Stops or allows all sending', body: ControlsView })
  set(@Body({ schema: ControlsInput }) body: ControlsInput, @PrincipalName() principal: string): Promise<ControlsView> {
    return this.controls.setKillSwitch(body.kill_switch, principal);
  }
}
