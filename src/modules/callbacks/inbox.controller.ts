import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Answers } from '../../platform/http/openapi.js';
import { Public } from '../access/index.js';
import { CallbacksService } from './callbacks.service.js';

/** Instructions to Twilio, of which there are none: it confirms a STOP itself. */
const TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

/** Where providers call. Public: the address and the signature are the proof. */
@ApiTags('Providers')
@Public()
@Controller('callbacks')
export class InboxController {
  constructor(
    private readonly callbacks: CallbacksService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'http'>,
  ) {}

  @Post(':key/:token')
  @RouteConfig({ takesRaw: true })
  @Answers({
    status: 200,
    summary: 'Takes what a provider tells of messages, and text messages that persons send',
    description:
      'The body is what the provider sends, signed as it signs. The address is the `callback_url` of the account.',
    refusals: {
      400: 'signed, and not as the provider writes it',
      401: 'not signed as the provider signs; nothing is stored',
      403: 'from a page of another site, on one machine without authentication',
      404: 'no such address',
      413: 'more than 1 MB',
    },
  })
  @ApiParam({ name: 'key', schema: { type: 'string' } })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async receive(
    @Param('key') key: string,
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { isTwiml } = await this.callbacks.receive(
      { key, token },
      {
        url: `${this.config.http.publicUrl}${request.originalUrl}`,
        headers: request.raw.headers,
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      },
    );
    void reply.type(isTwiml ? 'text/xml; charset=utf-8' : 'text/plain; charset=utf-8');
    return isTwiml ? TWIML : '';
  }
}
