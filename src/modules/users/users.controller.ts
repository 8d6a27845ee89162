import { Body, Controller, Delete, Get, HttpStatus, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { userReference, type UserReference } from './user-reference.js';
import {
  NewUser,
  UserBatch,
  UserBatchView,
  UserDetailView,
  UserFilter,
  UserInput,
  UserPage,
  UserView,
} from './users.dto.js';
import { UsersService } from './users.service.js';

const refusals = { 404: 'no such user', 410: 'the user was erased' };

@ApiTags('Users')
@Controller('api/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Post()
  @Scopes('users:write')
  @Answers({ status: 201, summary: 'Makes a user', body: UserView, refusals: { 409: 'the external_id is taken' } })
  create(@Body({ schema: NewUser }) body: UserInput): Promise<UserView> {
    return this.users.create(body);
  }

  @Post('batch')
  @Scopes('users:write')
  @Answers({
    status: 200,
    summary: 'Creates or replaces up to 500 users by external_id, all or none',
    body: UserBatchView,
  })
  putMany(@Body({ schema: UserBatch }) body: UserBatch): Promise<UserBatchView> {
    return this.users.putMany(body);
  }

  @Get()
  @Scopes('users:read')
  @Answers({ status: 200, summary: 'Lists users, oldest first', body: UserPage })
  list(@Query({ schema: UserFilter }) query: UserFilter): Promise<Page<UserView>> {
    const filter = { email: query.email ?? null, externalId: query.external_id ?? null };
    return this.users.list(filter, toPageRequest(query));
  }

  @Get(':id')
  @Scopes('users:read')
  @Answers({ status: 200, summary: 'Shows a user', body: UserDetailView, refusals })
  find(@Param('id', { schema: userReference }) reference: UserReference): Promise<UserDetailView> {
    return this.users.find(reference);
  }

  @Put(':id')
  @Scopes('users:write')
  @Answers({
    status: 200,
    summary: 'Replaces the whole profile',
    description:
      'Fields that are left out are empty afterwards, except external_id and preferred_channel, which are kept. With `ext:` and an external id that nobody has, the user is made (201).',
    body: UserView,
    refusals: { ...refusals, 409: 'the external_id is taken' },
  })
  async put(
    @Param('id', { schema: userReference }) reference: UserReference,
    @Body({ schema: UserInput }) body: UserInput,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const { isNew, user } = await this.users.put(reference, body);
    if (isNew) void reply.status(HttpStatus.CREATED);
    return user;
  }

  @Delete(':id')
  @Scopes('users:write')
  @Answers({
    status: 204,
    summary: 'Erases a person in every store',
    description: 'Runs end, personal data goes, and the keyed hash of the address stays suppressed. Cannot be undone.',
    refusals: { 404: 'no such user' },
  })
  erase(
    @Param('id', { schema: userReference }) reference: UserReference,
    @PrincipalName() principal: string,
  ): Promise<void> {
    return this.users.erase(reference, principal);
  }
}
