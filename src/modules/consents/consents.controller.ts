import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from '../users/index.js';
import {
  ConsentBatch,
  ConsentBatchView,
  ConsentPage,
  ConsentSummaryView,
  ConsentView,
  HistoryQuery,
  NewConsent,
  SummaryQuery,
} from './consents.dto.js';
import { ConsentsService } from './consents.service.js';

const refusals = { 404: 'no such user' };

@ApiTags('Consents')
@Controller('api/consents')
export class ConsentsController {
  constructor(private readonly consents: ConsentsService) {}

  @Post()
  @Scopes('consents:write')
  @Answers({ status: 201, summary: 'Records one statement, in force at once', body: ConsentView, refusals })
  async record(@Body({ schema: NewConsent }) body: NewConsent): Promise<ConsentView | undefined> {
    const [view] = await this.consents.record([body]);
    return view;
  }

  @Post('batch')
  @Scopes('consents:write')
  @Answers({ status: 201, summary: 'Records up to 500 statements, all or none', body: ConsentBatchView, refusals })
  async recordMany(@Body({ schema: ConsentBatch }) body: ConsentBatch): Promise<ConsentBatchView> {
    return { data: [...(await this.consents.record(body.consents))] };
  }

  @Get(':user_id')
  @Scopes('consents:read')
  @Answers({ status: 200, summary: 'Lists the statements of a user, newest first', body: ConsentPage, refusals })
  history(
    @Param('user_id', { schema: userReference }) user: UserReference,
    @Query({ schema: HistoryQuery }) query: HistoryQuery,
  ): Promise<Page<ConsentView>> {
    return this.consents.history(user, query.clock_domain, toPageRequest(query));
  }

  @Get(':user_id/summary')
  @Scopes('consents:read')
  @Answers({ status: 200, summary: 'Shows what holds now, by purpose and channel', body: ConsentSummaryView, refusals })
  summary(
    @Param('user_id', { schema: userReference }) user: UserReference,
    @Query({ schema: SummaryQuery }) query: SummaryQuery,
  ): Promise<ConsentSummaryView> {
    return this.consents.summary(user, query.clock_domain);
  }
}
