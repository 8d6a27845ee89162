import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { NewSuppression, SuppressionFilter, SuppressionPage, SuppressionView } from './suppressions.dto.js';
import { SuppressionsService } from './suppressions.service.js';

@ApiTags('Suppressions')
@Controller('api/suppressions')
export class SuppressionsController {
  constructor(private readonly suppressions: SuppressionsService) {}

  @Post()
  @Scopes('suppressions:write')
  @Answers({
    status: 201,
    summary: 'Suppresses an address or a user, in force at once',
    description:
      'Only a keyed hash of the address is stored. The same suppression again is answered with the first one.',
    body: SuppressionView,
    refusals: { 404: 'no such user' },
  })
  add(
    @Body({ schema: NewSuppression }) body: NewSuppression,
    @PrincipalName() principal: string,
  ): Promise<SuppressionView> {
    return this.suppressions.add(body, principal);
  }

  @Get()
  @Scopes('suppressions:read')
  @Answers({ status: 200, summary: 'Lists suppressions, newest first', body: SuppressionPage })
  list(@Query({ schema: SuppressionFilter }) query: SuppressionFilter): Promise<Page<SuppressionView>> {
    return this.suppressions.list(query, toPageRequest(query));
  }

  @Delete(':id')
  @Scopes('suppressions:write')
  @Answers({
    status: 204,
    summary: 'Lifts a suppression',
    refusals: { 404: 'no such suppression', 409: 'an erasure cannot be lifted' },
  })
  remove(@Param('id', { schema: z.uuid() }) id: string, @PrincipalName() principal: string): Promise<void> {
    return this.suppressions.remove(id, principal);
  }
}
