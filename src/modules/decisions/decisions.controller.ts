import { Readable } from 'node:stream';
import { Body, Controller, Get, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { NotRepeatable } from '../../platform/http/idempotency.interceptor.js';
import { Answers } from '../../platform/http/openapi.js';
import { pageOf, toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { UsersService } from '../users/index.js';
import { BatchDecisionRequest, BatchLine } from './batch.dto.js';
import { BatchDecisions } from './batch.service.js';
import { DecisionQuery, DecisionView, ExplanationView, NextBestActionRequest } from './decisions.dto.js';
import { DecisionsService } from './decisions.service.js';
import { VerificationView, VerifyQuery } from './verify.dto.js';
import { VerifyService } from './verify.service.js';
import { WhyQuery, WhyView } from './why.dto.js';
import { WhyService } from './why.service.js';

const NDJSON = 'application/x-ndjson';

@ApiTags('Decisions')
@Controller('api/decisions')
export class DecisionsController {
  constructor(
    private readonly decisions: DecisionsService,
    private readonly batches: BatchDecisions,
    private readonly verifications: VerifyService,
    private readonly reasons: WhyService,
    private readonly users: UsersService,
  ) {}

  @Post('next-best-action')
  @Scopes('decisions:write')
  @Answers({
    status: 201,
    summary: 'Weighs actions for a user against doing nothing',
    description: 'Records the decision but claims and sends nothing. Silence is channel `none` and action `none`.',
    body: ExplanationView,
    refusals: {
      404: 'no such user',
      410: 'the user was erased',
      422: 'too many actions are active, or an action that does not exist',
    },
  })
  nextBestAction(@Body({ schema: NextBestActionRequest }) body: NextBestActionRequest): Promise<ExplanationView> {
    return this.decisions.nextBestAction({
      user: body.user_id,
      actions: body.actions ?? null,
      context: body.context,
      isDryRun: body.dry_run,
      clockDomain: body.clock_domain,
    });
  }

  @Post('next-best-action/batch')
  @Scopes('decisions:write')
  @NotRepeatable()
  @ApiProduces(NDJSON)
  @Answers({
    status: 200,
    summary: 'The same for many users, as a stream of lines',
    description:
      'One JSON object a line, in the order of `user_ids`: `decision` or `error` for each user, `progress` at least every ' +
      'second or every 500 users, and `end` last; a stream without `end` broke off. Close the connection to stop. Takes no ' +
      'Idempotency-Key: decisions claim nothing, so asking again only records again. Audiences come later.',
    body: BatchLine,
    refusals: { 422: 'too many actions are active, or an action that does not exist' },
  })
  async batch(
    @Body({ schema: BatchDecisionRequest }) body: BatchDecisionRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const abort = new AbortController();
    // Not the stream's own close: that one waits for the user who is just being decided about.
    reply.raw.once('close', () => abort.abort());
    const question = {
      users: body.user_ids,
      actions: body.actions ?? null,
      context: body.context,
      isDryRun: body.dry_run,
      clockDomain: body.clock_domain,
    };
    const lines = await this.batches.start(question, abort.signal);
    return new StreamableFile(Readable.from(toText(lines), { objectMode: false }), { type: NDJSON });
  }

  @Get()
  @Scopes('decisions:read')
  @Answers({ status: 200, summary: 'Lists decisions, newest first', body: pageOf(DecisionView) })
  async list(@Query({ schema: DecisionQuery }) query: DecisionQuery): Promise<Page<DecisionView>> {
    const filter = {
      userId: query.user_id === undefined ? null : await this.users.resolve(query.user_id),
      runKey: query.run_key ?? null,
      outcome: query.outcome ?? null,
      reason: query.reason ?? null,
    };
    return this.decisions.list(filter, toPageRequest(query));
  }

  @Get('why')
  @Scopes('decisions:read')
  @Answers({
    status: 200,
    summary: 'Why something was, or was not, done for a user at an instant, also when nobody asked then',
    description:
      'Shows the recorded decisions around the instant, and what would have been decided at it. Of an action it tells why ' +
      'it won or lost, whatever won, and what would change it.',
    body: WhyView,
    refusals: {
      404: 'no such user, or neither an action nor a template with this key',
      410: 'the user was erased',
      422: 'too many actions, or too many messages since then',
    },
  })
  why(@Query({ schema: WhyQuery }) query: WhyQuery): Promise<WhyView> {
    return this.reasons.why({
      user: query.user_id,
      action: query.action ?? null,
      at: query.at ?? null,
      withinMs: query.within,
      clockDomain: query.clock_domain,
    });
  }

  @Get('verify')
  @Scopes('decisions:read')
  @Answers({
    status: 200,
    summary: 'Checks that the decisions about a user are the ones that were made',
    description:
      'Walks the hash chain of the user, compares the columns with the records, and makes every decision again from its ' +
      'record, 500 at a time. The command `npm run verify:decisions` does so for everybody, and without a limit.',
    body: VerificationView,
    refusals: { 404: 'no such user', 409: 'another verification is under way' },
  })
  verify(@Query({ schema: VerifyQuery }) { user_id, cursor }: VerifyQuery): Promise<VerificationView> {
    return this.verifications.verify(user_id, cursor);
  }

  @Get(':id')
  @Scopes('decisions:read')
  @Answers({ status: 200, summary: 'One decision', body: DecisionView, refusals: { 404: 'no such decision' } })
  find(@Param('id', { schema: z.uuid() }) id: string): Promise<DecisionView> {
    return this.decisions.find(id);
  }

  @Get(':id/explain')
  @Scopes('decisions:read')
  @Answers({
    status: 200,
    summary: 'Why it was decided so, and what would have changed it',
    body: ExplanationView,
    refusals: { 404: 'no such decision', 410: 'the user was erased' },
  })
  explain(@Param('id', { schema: z.uuid() }) id: string): Promise<ExplanationView> {
    return this.decisions.explain(id);
  }
}

async function* toText(lines: AsyncIterable<BatchLine>): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}
