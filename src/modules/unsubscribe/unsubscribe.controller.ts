import { Body, Controller, Get, Headers, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { sendPage, type HtmlPage } from '../../platform/http/html-page.js';
import { Public } from '../access/index.js';
import { askPage, donePage, unknownPage, type PageFacts } from './pages.js';
import { UnsubscribeService, type UnsubscribeMethod } from './unsubscribe.service.js';

/** Urlencoded and multipart alike: both carry the pair in plain sight. */
const ONE_CLICK = /List-Unsubscribe(=|"\s+)One-Click/i;
const FORM = /confirm=yes/;

/** The link in every marketing message. Public: the token is the proof. */
@ApiTags('Unsubscribe')
@Public()
@Controller('unsubscribe')
export class UnsubscribeController {
  constructor(private readonly unsubscribe: UnsubscribeService) {}

  @Get(':token')
  @ApiOperation({ summary: 'Shows a page with a button; changes nothing' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async show(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return answer(reply, await this.unsubscribe.describe(token, gpc), askPage);
  }

  @Post(':token')
  @HttpCode(HttpStatus.OK)
  @RouteConfig({ takesForm: true })
  @ApiConsumes('application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiOperation({ summary: 'Withdraws at once: RFC 8058 one-click, or the button on the page' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async withdraw(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return answer(reply, await this.unsubscribe.withdraw(token, methodOf(body), gpc), donePage);
  }
}

function methodOf(body: unknown): UnsubscribeMethod {
  const text = typeof body === 'string' ? body : '';
  if (ONE_CLICK.test(text)) return 'one_click';
  return FORM.test(text) ? 'form' : 'other';
}

const answer = (reply: FastifyReply, facts: PageFacts | null, page: (facts: PageFacts) => HtmlPage): string =>
  sendPage(reply, facts === null ? unknownPage() : page(facts));
