import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { CallbackPage, CallbackQuery, type CallbackView } from './callbacks.dto.js';
import { CallbacksService } from './callbacks.service.js';

@ApiTags('Providers')
@Controller('api/callbacks')
export class CallbacksController {
  constructor(private readonly callbacks: CallbacksService) {}

  @Get()
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'Lists what providers told of messages, newest first', body: CallbackPage })
  list(@Query({ schema: CallbackQuery }) query: CallbackQuery): Promise<Page<CallbackView>> {
    const filter = {
      accountKey: query.account ?? null,
      state: query.state ?? null,
      kind: query.kind ?? null,
      deliveryId: query.delivery ?? null,
    };
    return this.callbacks.list(filter, toPageRequest(query));
  }
}
