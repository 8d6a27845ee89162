import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { definitionKey } from '../../../platform/http/fields.js';
import { Answers } from '../../../platform/http/openapi.js';
import { PrincipalName } from '../../../platform/http/principal.js';
import { Scopes } from '../../access/index.js';
import { ProviderCheckView } from './provider-checks.dto.js';
import { ProviderChecks } from './provider-checks.service.js';

@ApiTags('Providers')
@Controller('api/providers')
export class ProviderChecksController {
  constructor(private readonly checks: ProviderChecks) {}

  @Post(':key/check')
  @HttpCode(200)
  @Scopes('providers:write')
  @Answers({
    status: 200,
    summary: 'Asks the provider whether it knows the account, and tells what it said',
    description:
      'Nothing is sent, and nothing follows from the answer. The key `smtp` stands for the mail server of `SMTP_URL`.',
    body: ProviderCheckView,
    refusals: { 404: 'no such provider' },
  })
  check(
    @Param('key', { schema: definitionKey }) key: string,
    @PrincipalName() principal: string,
  ): Promise<ProviderCheckView> {
    return this.checks.check(key, principal);
  }
}
