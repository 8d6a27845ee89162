import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { ActionFilter, ActionInput, ActionPage, ActionView, NewAction } from './actions.dto.js';
import { ActionsService } from './actions.service.js';

const unknown = { 404: 'no such action' };
const unknownTemplate = { 422: 'there is no such template' };

@ApiTags('Actions')
@Controller('api/actions')
export class ActionsController {
  constructor(private readonly actions: ActionsService) {}

  @Post()
  @Scopes('content:write')
  @Answers({
    status: 201,
    summary: 'Makes an action',
    body: ActionView,
    refusals: { ...unknownTemplate, 409: 'the key is taken' },
  })
  create(@Body({ schema: NewAction }) body: NewAction, @PrincipalName() principal: string): Promise<ActionView> {
    return this.actions.create(body, principal);
  }

  @Get()
  @Scopes('content:read')
  @Answers({ status: 200, summary: 'Lists actions, newest first', body: ActionPage })
  list(@Query({ schema: ActionFilter }) query: ActionFilter): Promise<Page<ActionView>> {
    return this.actions.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('content:read')
  @Answers({ status: 200, summary: 'Shows an action', body: ActionView, refusals: unknown })
  find(@Param('key', { schema: definitionKey }) key: string): Promise<ActionView> {
    return this.actions.find(key);
  }

  @Put(':key')
  @Scopes('content:write')
  @Answers({
    status: 200,
    summary: 'Replaces an action; its version grows',
    body: ActionView,
    refusals: { ...unknown, ...unknownTemplate },
  })
  replace(
    @Param('key', { schema: definitionKey }) key: string,
    @Body({ schema: ActionInput }) body: ActionInput,
    @PrincipalName() principal: string,
  ): Promise<ActionView> {
    return this.actions.replace(key, body, principal);
  }

  @Delete(':key')
  @Scopes('content:write')
  @Answers({ status: 204, summary: 'Removes an action', refusals: unknown })
  remove(@Param('key', { schema: definitionKey }) key: string, @PrincipalName() principal: string): Promise<void> {
    return this.actions.remove(key, principal);
  }
}
