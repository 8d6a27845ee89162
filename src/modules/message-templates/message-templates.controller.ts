import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../platform/http/fields.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import {
  ListQuery,
  MessageTemplateInput,
  MessageTemplatePage,
  MessageTemplateView,
  NewMessageTemplate,
  PreviewRequest,
  PreviewView,
  UserPreviewRequest,
  UserPreviewView,
} from './message-templates.dto.js';
import { MessageTemplatesService } from './message-templates.service.js';
import { Previews } from './previews.service.js';

const invalid = {
  422: 'marketing that rests on a contract (`MARKETING_NEEDS_CONSENT`), or that does not say who writes and how to withdraw (`MARKETING_INCOMPLETE`)',
};
const unknown = { 404: 'no such template' };

@ApiTags('Message templates')
@Controller('api/message-templates')
export class MessageTemplatesController {
  constructor(
    private readonly templates: MessageTemplatesService,
    private readonly previews: Previews,
  ) {}

  @Post()
  @Scopes('content:write')
  @Answers({
    status: 201,
    summary: 'Makes a message template',
    description:
      'Each channel has its own parts, and so has each language of `locales`. They are Liquid, and see user, run, company, unsubscribe_url and preferences_url. What advertises stands in `{% promotional %}…{% endpromotional %}` and makes the template marketing: it needs consent.',
    body: MessageTemplateView,
    refusals: { ...invalid, 409: 'the key is taken' },
  })
  create(
    @Body({ schema: NewMessageTemplate }) body: NewMessageTemplate,
    @PrincipalName() principal: string,
  ): Promise<MessageTemplateView> {
    return this.templates.create(body, principal);
  }

  @Post('preview')
  @Scopes('content:read')
  @Answers({
    status: 200,
    summary: 'Renders content without storing it',
    body: PreviewView,
    refusals: { 422: 'it could not be sent like this' },
  })
  preview(@Body({ schema: PreviewRequest }) body: PreviewRequest): Promise<PreviewView> {
    return this.previews.ofContent(body);
  }

  @Post(':key/preview')
  @Scopes('content:read', 'users:read')
  @Answers({
    status: 200,
    summary: 'Renders a template as one person would get it',
    description: 'Nothing is sent. The links to withdraw do nothing.',
    body: UserPreviewView,
    refusals: { 404: 'no such template, version or user', 410: 'erased', 422: 'it could not be sent to this person' },
  })
  previewForUser(
    @Param('key', { schema: definitionKey }) key: string,
    @Body({ schema: UserPreviewRequest }) body: UserPreviewRequest,
  ): Promise<UserPreviewView> {
    return this.previews.forUser(key, body);
  }

  @Get()
  @Scopes('content:read')
  @Answers({ status: 200, summary: 'Lists the current versions, last changed first', body: MessageTemplatePage })
  list(@Query({ schema: ListQuery }) query: ListQuery): Promise<Page<MessageTemplateView>> {
    return this.templates.list(toPageRequest(query));
  }

  @Get(':key')
  @Scopes('content:read')
  @Answers({ status: 200, summary: 'Shows the current version', body: MessageTemplateView, refusals: unknown })
  find(@Param('key', { schema: definitionKey }) key: string): Promise<MessageTemplateView> {
    return this.templates.find(key);
  }

  @Get(':key/versions')
  @Scopes('content:read')
  @Answers({ status: 200, summary: 'Lists all versions, newest first', body: MessageTemplatePage, refusals: unknown })
  versions(
    @Param('key', { schema: definitionKey }) key: string,
    @Query({ schema: ListQuery }) query: ListQuery,
  ): Promise<Page<MessageTemplateView>> {
    return this.templates.versions(key, toPageRequest(query));
  }

  @Put(':key')
  @Scopes('content:write')
  @Answers({
    status: 200,
    summary: 'Makes the next version',
    body: MessageTemplateView,
    refusals: { ...invalid, ...unknown, 409: 'the channel cannot change' },
  })
  change(
    @Param('key', { schema: definitionKey }) key: string,
    @Body({ schema: MessageTemplateInput }) body: MessageTemplateInput,
    @PrincipalName() principal: string,
  ): Promise<MessageTemplateView> {
    return this.templates.change(key, body, principal);
  }
}
