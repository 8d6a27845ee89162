import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { UsersService } from '../users/index.js';
import type { DeadLetterFilter } from './dead-letter-rows.js';
import {
  BulkReplayPage,
  BulkReplayQuery,
  BulkReplayView,
  DeadLetterDetailView,
  DeadLetterPage,
  DeadLetterQuery,
  DeadLetterSummaryQuery,
  DeadLetterSummaryView,
  NewBulkReplay,
  NewReplay,
  ReplayView,
  type DeadLetterView,
} from './dead-letters.dto.js';
import { DeadLettersService } from './dead-letters.service.js';

const idSchema = { schema: z.uuid() };
const noUser = { 404: 'no such user', 410: 'the user was erased' };
const noLetter = { 404: 'no such dead letter' };
const noReplays = { 404: 'no such replays' };

@ApiTags('Dead letters')
@Controller('api/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLettersService,
    private readonly users: UsersService,
  ) {}

  @Get()
  @Scopes('deliveries:read')
  @Answers({
    status: 200,
    summary: 'Lists messages that nobody sends any more, newest first',
    body: DeadLetterPage,
    refusals: noUser,
  })
  async list(@Query({ schema: DeadLetterQuery }) query: DeadLetterQuery): Promise<Page<DeadLetterView>> {
    return this.deadLetters.list(await this.filterOf(query), toPageRequest(query));
  }

  @Get('summary')
  @Scopes('deliveries:read')
  @Answers({
    status: 200,
    summary: 'Counts dead letters by provider, channel and failure, the most frequent first',
    body: DeadLetterSummaryView,
    refusals: noUser,
  })
  async summary(
    @Query({ schema: DeadLetterSummaryQuery }) query: DeadLetterSummaryQuery,
  ): Promise<DeadLetterSummaryView> {
    return this.deadLetters.summary(await this.filterOf(query));
  }

  @Post('replays')
  @Scopes('deliveries:write')
  @Answers({
    status: 202,
    summary: 'Replays the oldest dead letters that fit a filter and can be replayed',
    description: 'They are chosen at once, and sent one after the other through all gates.',
    body: BulkReplayView,
    refusals: noUser,
  })
  async replayMany(
    @Body({ schema: NewBulkReplay }) { filter, max, reason, within_hours: withinMs }: NewBulkReplay,
    @PrincipalName() orderedBy: string,
  ): Promise<BulkReplayView> {
    const meant = await this.filterOf({ ...filter, state: 'failed', replayable: true });
    return this.deadLetters.replayMany(meant, max, { reason, withinMs, orderedBy });
  }

  @Get('replays')
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'Lists replays of many and how far each is, newest first', body: BulkReplayPage })
  listBulks(@Query({ schema: BulkReplayQuery }) query: BulkReplayQuery): Promise<Page<BulkReplayView>> {
    return this.deadLetters.listBulks(toPageRequest(query));
  }

  @Get('replays/:id')
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'How far replays of many are', body: BulkReplayView, refusals: noReplays })
  findBulk(@Param('id', idSchema) id: string): Promise<BulkReplayView> {
    return this.deadLetters.findBulk(id);
  }

  @Post('replays/:id/cancel')
  @Scopes('deliveries:write')
  @Answers({
    status: 200,
    summary: 'Calls off what still waits; attempts that are under way end by themselves',
    body: BulkReplayView,
    refusals: { ...noReplays, 409: 'they are over, or were called off before' },
  })
  cancelBulk(@Param('id', idSchema) id: string, @PrincipalName() principal: string): Promise<BulkReplayView> {
    return this.deadLetters.cancelBulk(id, principal);
  }

  @Get(':delivery_id')
  @Scopes('deliveries:read')
  @Answers({ status: 200, summary: 'One dead letter with its replays', body: DeadLetterDetailView, refusals: noLetter })
  find(@Param('delivery_id', idSchema) id: string): Promise<DeadLetterDetailView> {
    return this.deadLetters.find(id);
  }

  @Post(':delivery_id/replay')
  @Scopes('deliveries:write')
  @Answers({
    status: 202,
    summary: 'Sends the message after all, if every gate still lets it',
    description: 'A new attempt of the same delivery. What the run took as its answer does not change.',
    body: ReplayView,
    refusals: { ...noLetter, 409: 'it cannot be replayed; the code says why' },
  })
  replay(
    @Param('delivery_id', idSchema) id: string,
    @Body({ schema: NewReplay }) { reason, within_hours: withinMs }: NewReplay,
    @PrincipalName() orderedBy: string,
  ): Promise<ReplayView> {
    return this.deadLetters.replay(id, { reason, withinMs, orderedBy });
  }

  @Delete(':delivery_id/replay')
  @Scopes('deliveries:write')
  @Answers({
    status: 204,
    summary: 'Calls off the replay that waits',
    refusals: { ...noLetter, 409: 'none waits, or its attempt is under way' },
  })
  cancel(@Param('delivery_id', idSchema) id: string, @PrincipalName() principal: string): Promise<void> {
    return this.deadLetters.cancel(id, principal);
  }

  private async filterOf(query: DeadLetterSummaryQuery): Promise<DeadLetterFilter> {
    return {
      state: query.state ?? null,
      failureClass: query.failure_class ?? null,
      channel: query.channel ?? null,
      provider: query.provider ?? null,
      journey: query.journey ?? null,
      template: query.template ?? null,
      failure: query.failure ?? null,
      userId: query.user_id === undefined ? null : await this.users.resolve(query.user_id),
      from: query.from ?? null,
      to: query.to ?? null,
      isReplayableOnly: query.replayable ?? false,
    };
  }
}
