import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers } from '../../platform/http/openapi.js';
import { Scopes } from '../access/index.js';
import { ReceiptCheck, ReceiptVerdict, ReceiptView } from './receipts.dto.js';
import { ReceiptsService } from './receipts.service.js';

@ApiTags('Consents')
@Controller('api/consents')
export class ReceiptsController {
  constructor(private readonly receipts: ReceiptsService) {}

  @Get('records/:id/receipt')
  @Scopes('consents:read')
  @Answers({
    status: 200,
    summary: 'Issues a signed receipt of one statement',
    body: ReceiptView,
    refusals: { 404: 'no such record', 410: 'the user was erased' },
  })
  issue(@Param('id', { schema: z.uuid() }) id: string): Promise<ReceiptView> {
    return this.receipts.issue(id);
  }

  @Post('receipts/verify')
  @Scopes('consents:read')
  @Answers({
    status: 200,
    summary: 'Checks a receipt: is it ours, and does the record still say so?',
    body: ReceiptVerdict,
  })
  verify(@Body({ schema: ReceiptCheck }) body: ReceiptCheck): Promise<ReceiptVerdict> {
    return this.receipts.verify(body.receipt);
  }
}
