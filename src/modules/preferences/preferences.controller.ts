import { Body, Controller, Get, Headers, HttpCode, HttpStatus, Inject, Param, Post, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { readForm, sendPage } from '../../platform/http/html-page.js';
import { Public } from '../access/index.js';
import type { Preferences } from './preferences.js';
import { preferencesPage, unknownPage, unreadablePage } from './preferences.page.js';
import { readSubmission } from './preferences.form.js';
import { PreferencesService } from './preferences.service.js';

/** A person's own page of choices. Public: the token is the proof. */
@ApiTags('Preferences')
@Public()
@Controller('preferences')
export class PreferencesController {
  constructor(
    private readonly preferences: PreferencesService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company'>,
  ) {}

  @Get(':token')
  @ApiOperation({ summary: 'Shows what a person chose; changes none of it' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async show(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.answer(reply, await this.preferences.show(token, gpc), false);
  }

  @Post(':token')
  @HttpCode(HttpStatus.OK)
  @RouteConfig({ takesForm: true })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({ summary: 'Changes every choice at once, in force for the next check' })
  @ApiParam({ name: 'token', schema: { type: 'string' } })
  async save(
    @Param('token') token: string,
    @Headers('sec-gpc') gpc: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const submission = readSubmission(readForm(body));
    if (submission === null) return sendPage(reply, unreadablePage());
    return this.answer(reply, await this.preferences.save(token, gpc, submission), true);
  }

  private answer(reply: FastifyReply, preferences: Preferences | null, isSaved: boolean): string {
    if (preferences === null) return sendPage(reply, unknownPage());
    return sendPage(reply, preferencesPage(preferences, this.config.company.name, isSaved));
  }
}
