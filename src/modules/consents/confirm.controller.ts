import { Controller, Get, Headers, HttpCode, HttpStatus, Inject, Param, Post, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { sendPage } from '../../platform/http/html-page.js';
import { Public } from '../access/index.js';
import { confirmPage } from './confirm.pages.js';
import { DoubleOptIn } from './double-opt-in.service.js';
import { OptOuts } from './opt-outs.service.js';

/** The link in the mail of a double opt-in. Public: the token is the proof. */
@ApiTags('Confirm')
@Public()
@Controller('confirm')
export class ConfirmController {
  constructor(
    private readonly doubleOptIn: DoubleOptIn,
    private readonly optOuts: OptOuts,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company'>,
  ) {}

  @Get(':token')
  @ApiOperation({ summary: 'Shows a page with a button; confirms nothing' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async show(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { userId, ...state } = await this.doubleOptIn.look(token);
    if (userId !== null) await this.optOuts.note(gpc, [{ kind: 'id', id: userId }]);
    return sendPage(reply, confirmPage(state, this.config.company.name));
  }

  @Post(':token')
  @HttpCode(HttpStatus.OK)
  @RouteConfig({ takesForm: true })
  @ApiConsumes('application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiOperation({ summary: 'Confirms: the consent is granted from now on' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async confirm(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { userId } = await this.doubleOptIn.look(token);
    if (userId !== null) await this.optOuts.note(gpc, [{ kind: 'id', id: userId }]);
    return sendPage(reply, confirmPage(await this.doubleOptIn.confirm(token), this.config.company.name));
  }
}
