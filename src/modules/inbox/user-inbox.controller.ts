import { Controller, Get, HttpCode, Options, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest } from '../../platform/http/paging.js';
import { Public } from '../access/index.js';
import { InboxItemView, InboxQuery, InboxView, ReadAllView } from './inbox.dto.js';
import { InboxGuard, InboxOwner } from './inbox.guard.js';
import { InboxService } from './inbox.service.js';

const idSchema = { schema: z.uuid() };
const refusals = { 404: 'no such entry in this inbox' };
const TOKEN = 'For apps and sites of the company, with a token of the user (`POST /api/users/{id}/inbox-token`).';

/** The inbox as its owner sees it. Public to the access guard: the token of the person is the proof. */
@ApiTags('Inbox')
@Public()
@UseGuards(InboxGuard)
@Controller('inbox')
export class UserInboxController {
  constructor(private readonly inbox: InboxService) {}

  @Get()
  @Answers({ status: 200, summary: 'Shows the inbox, newest first', description: TOKEN, body: InboxView })
  list(@InboxOwner() owner: string, @Query({ schema: InboxQuery }) query: InboxQuery): Promise<InboxView> {
    return this.inbox.list(owner, toPageRequest(query));
  }

  @Post('read-all')
  @Answers({ status: 200, summary: 'Marks everything as read', description: TOKEN, body: ReadAllView })
  readAll(@InboxOwner() owner: string): Promise<ReadAllView> {
    return this.inbox.readAll(owner);
  }

  @Post(':id/read')
  @Answers({ status: 200, summary: 'Marks an entry as read', description: TOKEN, body: InboxItemView, refusals })
  read(@InboxOwner() owner: string, @Param('id', idSchema) id: string): Promise<InboxItemView> {
    return this.inbox.act(owner, id, 'read');
  }

  @Post(':id/open')
  @Answers({
    status: 200,
    summary: 'Notes that the link was opened',
    description: TOKEN,
    body: InboxItemView,
    refusals,
  })
  open(@InboxOwner() owner: string, @Param('id', idSchema) id: string): Promise<InboxItemView> {
    return this.inbox.act(owner, id, 'click');
  }

  @Post(':id/dismiss')
  @Answers({ status: 200, summary: 'Takes an entry off the inbox', description: TOKEN, body: InboxItemView, refusals })
  dismiss(@InboxOwner() owner: string, @Param('id', idSchema) id: string): Promise<InboxItemView> {
    return this.inbox.act(owner, id, 'dismiss');
  }

  /** Browsers ask before they let a page of another origin send a token. */
  @Options(['', ':first', ':first/:second'])
  @HttpCode(204)
  @ApiExcludeEndpoint()
  preflight(): void {
    // The guard has said which pages may.
  }
}
