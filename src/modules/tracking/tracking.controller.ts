import { Controller, Get, HttpStatus, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../platform/clock/clock.js';
import { sendPage, type HtmlPage } from '../../platform/http/html-page.js';
import { Public } from '../access/index.js';
import { Hits, type Hit } from './hits.service.js';
import { locationOf, TrackingTokens, type TrackedMessage } from './tracking-tokens.js';

/** A GIF of one transparent point. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');
/** Headers by which a program says that it looks ahead, and no person has asked for this yet. */
const LOOKS_AHEAD = ['purpose', 'sec-purpose', 'x-purpose', 'x-moz'];
const AHEAD = /prefetch|prerender|preview/i;

/** Where links of messages and the picture in them lead. Public: the token is the proof. */
@ApiTags('Tracking')
@Public()
@Controller()
export class TrackingController {
  constructor(
    private readonly tokens: TrackingTokens,
    private readonly hits: Hits,
    private readonly clock: Clock,
  ) {}

  @Get('l/:token')
  @ApiOperation({
    summary: 'Leads to the target of a link in a message',
    description:
      'The click is counted if the person still agrees to it. The target stands in the token, signed by us; any other token shows a page that says so (404).',
  })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  @ApiResponse({ status: 302, description: 'to the target' })
  follow(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string {
    const link = this.tokens.readLink(token);
    if (link === null) return sendPage(reply, UNKNOWN);
    this.note(request, 'clicked', link);
    void reply.status(HttpStatus.FOUND).header('location', locationOf(link.url));
    return '';
  }

  @Get('o/:file')
  @ApiOperation({
    summary: 'The picture that tells that a message was opened',
    description: 'Counted as a click is; 404 for a token that is not ours.',
  })
  @ApiParam({ name: 'file', description: 'A token and `.gif`', schema: { type: 'string' } })
  @ApiProduces('image/gif')
  @ApiResponse({ status: 200, description: 'a transparent picture of one point' })
  open(
    @Param('file') file: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer | string {
    const message = this.tokens.readOpen(file);
    if (message === null) return sendPage(reply, UNKNOWN);
    this.note(request, 'opened', message);
    // Mail is read on pages of other sites, which may show it.
    void reply.type('image/gif').header('cross-origin-resource-policy', 'cross-origin');
    return PIXEL;
  }

  private note({ method, headers }: FastifyRequest, kind: Hit['kind'], { deliveryId, brand }: TrackedMessage): void {
    const isAhead = LOOKS_AHEAD.some((name) => AHEAD.test(String(headers[name] ?? '')));
    if (method !== 'GET' || isAhead) return;
    const gpc = headers['sec-gpc'];
    this.hits.note({ deliveryId, brand, kind, at: this.clock.now(), gpc: typeof gpc === 'string' ? gpc : undefined });
  }
}

const UNKNOWN: HtmlPage = {
  status: 404,
  title: 'Link not valid',
  body: `<h1>This link is not valid</h1>
<p>Please use the link in the message again; it may have been cut when it was copied.</p>`,
};
