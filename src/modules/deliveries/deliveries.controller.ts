import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { pageOf, toPage, toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { UsersService } from '../users/index.js';
import { DeliveryFilter, DeliveryView } from './deliveries.dto.js';
import { toDeliveryView } from './deliveries.mapper.js';
import { DeliveriesService } from './deliveries.service.js';

@ApiTags('Deliveries')
@Controller('api/deliveries')
export class DeliveriesController {
  constructor(
    private readonly deliveries: DeliveriesService,
    private readonly users: UsersService,
  ) {}

  @Get()
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'Lists deliveries, newest first', body: pageOf(DeliveryView) })
  async list(@Query({ schema: DeliveryFilter }) query: DeliveryFilter): Promise<Page<DeliveryView>> {
    const page = toPageRequest(query);
    const filter = {
      userId: query.user_id === undefined ? null : await this.users.resolve(query.user_id),
      runKey: query.run_key ?? null,
      clockDomain: query.clock_domain ?? null,
      state: query.state ?? null,
    };
    const rows = await this.deliveries.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toDeliveryView);
  }

  @Get(':id')
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'One delivery', body: DeliveryView, refusals: { 404: 'no such delivery' } })
  async find(@Param('id', { schema: z.uuid() }) id: string): Promise<DeliveryView> {
    return toDeliveryView(await this.deliveries.get(id));
  }
}
