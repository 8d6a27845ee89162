import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { toPageRequest, type Page } from '../../platform/http/paging.js';
import { PrincipalName } from '../../platform/http/principal.js';
import { Scopes } from '../access/index.js';
import { domainName, SendingDomainFilter, SendingDomainPage, SendingDomainView } from './sending-domains.dto.js';
import { SendingDomainsService } from './sending-domains.service.js';

@ApiTags('Providers')
@Controller('api/sending-domains')
export class SendingDomainsController {
  constructor(private readonly domains: SendingDomainsService) {}

  @Get()
  @Scopes('providers:read')
  @Answers({
    status: 200,
    summary: 'Lists the domains from which e-mail goes out, and how they stand',
    body: SendingDomainPage,
  })
  list(@Query({ schema: SendingDomainFilter }) query: SendingDomainFilter): Promise<Page<SendingDomainView>> {
    return this.domains.list(toPageRequest(query));
  }

  @Post(':domain/resume')
  @Scopes('providers:write')
  @Answers({
    status: 200,
    summary: 'Lets marketing go out from a domain again',
    description: 'Only what is sent from then on is judged.',
    body: SendingDomainView,
    refusals: { 404: 'nothing was sent from this domain' },
  })
  resume(
    @Param('domain', { schema: domainName }) domain: string,
    @PrincipalName() principal: string,
  ): Promise<SendingDomainView> {
    return this.domains.resume(domain, principal);
  }
}
