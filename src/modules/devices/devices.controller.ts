import { Body, Controller, Delete, Get, HttpStatus, Param, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from '../users/index.js';
import { DeviceInput, DevicePage, DeviceQuery, SeenDeviceView, type DeviceView } from './devices.dto.js';
import { DevicesService } from './devices.service.js';

const refusals = { 404: 'no such user', 410: 'the user was erased' };

@ApiTags('Users')
@Controller('api/users/:id/devices')
export class DevicesController {
  constructor(private readonly devices: DevicesService) {}

  @Put()
  @Scopes('users:write')
  @Answers({
    status: 200,
    summary: 'Notes a device of the user, for notifications',
    description:
      'Known by its token or endpoint: the same again notes that it was seen, a device of another user moves here, and one that nobody had is new (201). Of more than 20 the one seen longest ago is forgotten. It is no consent.',
    body: SeenDeviceView,
    refusals,
  })
  async see(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Body({ schema: DeviceInput }) body: DeviceInput,
    @PrincipalName() principal: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SeenDeviceView> {
    const { isNew, device } = await this.devices.see(reference, body, principal);
    if (isNew) void reply.status(HttpStatus.CREATED);
    return device;
  }

  @Get()
  @Scopes('users:read')
  @Answers({ status: 200, summary: 'Lists devices of the user, newest first', body: DevicePage, refusals })
  list(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Query({ schema: DeviceQuery }) query: DeviceQuery,
  ): Promise<Page<DeviceView>> {
    return this.devices.list(reference, toPageRequest(query));
  }

  @Delete(':device')
  @Scopes('users:write')
  @Answers({
    status: 204,
    summary: 'Forgets a device, for instance when the user signs out',
    refusals: { ...refusals, 404: 'no such user, or not with this device' },
  })
  remove(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Param('device', { schema: z.uuid() }) device: string,
    @PrincipalName() principal: string,
  ): Promise<void> {
    return this.devices.remove(reference, device, principal);
  }
}
