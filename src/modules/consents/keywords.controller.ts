import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { Scopes } from '../access/index.js';
import { KeywordMessageView, KeywordPage, KeywordQuery, NewKeywordMessage } from './keywords.dto.js';
import { KeywordsService } from './keywords.service.js';

@ApiTags('Consents')
@Controller('api/consents/keywords')
export class KeywordsController {
  constructor(private readonly keywords: KeywordsService) {}

  @Post()
  @Scopes('consents:write')
  @Answers({
    status: 201,
    summary: 'Takes an incoming text message: STOP, START, HELP and the like',
    description:
      'In force at once for everybody with the number. A text in which somebody seems to ask for an end blocks messages to the number until the suppression `keyword_review` is lifted.',
    body: KeywordMessageView,
  })
  receive(@Body({ schema: NewKeywordMessage }) body: NewKeywordMessage): Promise<KeywordMessageView> {
    return this.keywords.receive(body);
  }

  @Get()
  @Scopes('consents:read')
  @Answers({ status: 200, summary: 'Lists incoming text messages, newest first', body: KeywordPage })
  list(@Query({ schema: KeywordQuery }) query: KeywordQuery): Promise<Page<KeywordMessageView>> {
    return this.keywords.list(query.meaning ?? null, toPageRequest(query));
  }
}
