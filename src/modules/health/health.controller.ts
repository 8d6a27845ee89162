import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Metrics } from '../../platform/observability/metrics.js';
import { Public, Scopes } from '../access/index.js';
import { ReadinessService, type Readiness } from './readiness.service.js';

@ApiTags('Health')
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: ReadinessService,
    private readonly metrics: Metrics,
  ) {}

  @Get('api/health')
  @Public()
  @ApiOperation({ summary: 'The process is alive' })
  health(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('api/ready')
  @Public()
  @ApiOperation({ summary: 'Database and Temporal answer (200), or not (503)' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.readiness.check();
    if (readiness.status === 'unavailable') void reply.status(HttpStatus.SERVICE_UNAVAILABLE);
    return readiness;
  }

  @Get('metrics')
  @Scopes('metrics:read')
  @ApiOperation({ summary: 'Metrics in the text format of Prometheus' })
  async scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { contentType, text } = await this.metrics.render();
    void reply.type(contentType);
    return text;
  }
}
