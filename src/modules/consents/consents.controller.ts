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
  NewObjection,
  SummaryQuery,
} from './consents.dto.js';
import { ConsentsService } from './consents.service.js';
import { ConfirmationPage, ConfirmationQuery, type ConfirmationView } from './double-opt-in.dto.js';
import { DoubleOptIn } from './double-opt-in.service.js';

const refusals = { 404: 'no such user' };
const writeRefusals = { ...refusals, 422: 'a law ends the grant earlier, or wants more evidence' };

@ApiTags('Consents')
@Controller('api/consents')
export class ConsentsController {
  constructor(
    private readonly consents: ConsentsService,
    private readonly doubleOptIn: DoubleOptIn,
  ) {}

  @Post()
  @Scopes('consents:write')
  @Answers({
    status: 201,
    summary: 'Records one statement, in force at once',
    description:
      'With `double_opt_in` the person gets one mail with a link to confirm; where the grant holds already, it is the answer and nothing is recorded or sent.',
    body: ConsentView,
    refusals: writeRefusals,
  })
  async record(@Body({ schema: NewConsent }) body: NewConsent): Promise<ConsentView | undefined> {
    if (body.double_opt_in) return this.doubleOptIn.ask(body);
    const [view] = await this.consents.record([body]);
    return view;
  }

  @Post('batch')
  @Scopes('consents:write')
  @Answers({
    status: 201,
    summary: 'Records up to 500 statements, all or none',
    body: ConsentBatchView,
    refusals: writeRefusals,
  })
  async recordMany(@Body({ schema: ConsentBatch }) body: ConsentBatch): Promise<ConsentBatchView> {
    return { data: [...(await this.consents.record(body.consents))] };
  }

  @Post(':user_id/objection')
  @Scopes('consents:write')
  @Answers({
    status: 201,
    summary: 'Records an objection to direct marketing, on every channel',
    description: 'A later grant lifts it for the purpose, channel and brand of that grant, and for no other.',
    body: ConsentView,
    refusals,
  })
  object(
    @Param('user_id', { schema: userReference }) user: UserReference,
    @Body({ schema: NewObjection }) body: NewObjection,
  ): Promise<ConsentView> {
    return this.consents.object(user, body);
  }

  @Get(':user_id/confirmations')
  @Scopes('consents:read')
  @Answers({
    status: 200,
    summary: 'Lists what a user was asked to confirm, newest first',
    body: ConfirmationPage,
    refusals,
  })
  confirmations(
    @Param('user_id', { schema: userReference }) user: UserReference,
    @Query({ schema: ConfirmationQuery }) query: ConfirmationQuery,
  ): Promise<Page<ConfirmationView>> {
    return this.doubleOptIn.list(user, toPageRequest(query));
  }

  @Get(':user_id')
  @Scopes('consents:read')
  @Answers({ status: 200, summary: 'Lists the statements of a user, newest first', body: ConsentPage, refusals })
  history(
    @Param('user_id', { schema: userReference }) user: UserReference,
    @Query({ schema: HistoryQuery }) query: HistoryQuery,
  ): Promise<Page<ConsentView>> {
    const { clock_domain: clockDomain, purpose = null, channel = null } = query;
    return this.consents.history(user, { clockDomain, purpose, channel }, toPageRequest(query));
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
