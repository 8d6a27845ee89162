import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from '../users/index.js';
import { InboxItemPage, InboxQuery, InboxTokenRequest, InboxTokenView, type InboxItemView } from './inbox.dto.js';
import { InboxService } from './inbox.service.js';

const refusals = { 404: 'no such user', 410: 'the user was erased' };

@ApiTags('Inbox')
@Controller('api/users/:id')
export class InboxTokensController {
  constructor(private readonly inbox: InboxService) {}

  @Post('inbox-token')
  @Scopes('inbox:write')
  @NotRepeatable()
  @Answers({
    status: 201,
    summary: 'Makes a token with which an app shows the inbox of a user',
    description:
      'Whoever has it sees that one inbox, and nothing else, until it expires. Make it where the user is signed in.',
    body: InboxTokenView,
    refusals,
  })
  token(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Body({ schema: InboxTokenRequest }) body: InboxTokenRequest,
    @PrincipalName() principal: string,
  ): Promise<InboxTokenView> {
    return this.inbox.token(reference, body, principal);
  }

  @Get('inbox')
  @Scopes('inbox:read')
  @Answers({
    status: 200,
    summary: 'Lists the inbox of a user, also what was dismissed or has expired, newest first',
    body: InboxItemPage,
    refusals,
  })
  list(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Query({ schema: InboxQuery }) query: InboxQuery,
  ): Promise<Page<InboxItemView>> {
    return this.inbox.whole(reference, toPageRequest(query));
  }
}
