import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/index.js';
import { askPage, donePage, PAGE_POLICY, unknownPage, type PageFacts } from './pages.js';
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
  show(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): string {
    return answer(reply, this.unsubscribe.describe(token), askPage);
  }

  @Post(':token')
  @HttpCode(HttpStatus.OK)
  @RouteConfig({ takesForm: true })
  @ApiConsumes('application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiOperation({ summary: 'Withdraws at once: RFC 8058 one-click, or the button on the page' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async withdraw(
    @Param('token') token: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return answer(reply, await this.unsubscribe.withdraw(token, methodOf(body)), donePage);
  }
}

function methodOf(body: unknown): UnsubscribeMethod {
  const text = typeof body === 'string' ? body : '';
  if (ONE_CLICK.test(text)) return 'one_click';
  return FORM.test(text) ? 'form' : 'other';
}

function answer(reply: FastifyReply, facts: PageFacts | null, page: (facts: PageFacts) => string): string {
  void reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY);
  if (facts !== null) return page(facts);
  void reply.status(HttpStatus.NOT_FOUND);
  return unknownPage();
}
