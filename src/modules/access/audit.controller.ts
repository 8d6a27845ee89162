import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../../platform/http/openapi.js';
import { pageOf, toPage, toPageRequest, type Page } from '../../platform/http/paging.js';
import { AuditEntryView, ListQuery } from './access.dto.js';
import { toAuditEntryView } from './access.mapper.js';
import { AuditLog } from './audit-log.js';
import { Scopes } from './scopes.decorator.js';

@ApiTags('Access')
@Controller('api/audit-log')
export class AuditController {
  constructor(private readonly audit: AuditLog) {}

  @Get()
  @Scopes('audit:read')
  @Answers({ status: 200, summary: 'Lists administrative changes, newest first', body: pageOf(AuditEntryView) })
  async list(@Query({ schema: ListQuery }) query: ListQuery): Promise<Page<AuditEntryView>> {
    const page = toPageRequest(query);
    const rows = await this.audit.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toAuditEntryView);
  }
}
