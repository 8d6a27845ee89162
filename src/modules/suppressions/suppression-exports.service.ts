import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AddressHasher } from '../../platform/address/address-hash.js';
import type { ExportQuery } from './suppressions.dto.js';
import { EXPORT_FORMATS, type ExportFormat } from './suppressions.mapper.js';
import { SuppressionsRepository, type SuppressionQuery } from './suppressions.repository.js';
import { SuppressionsService } from './suppressions.service.js';

const ROWS_AT_ONCE = 1_000;

/** A file on its way. */
export interface Export {
  readonly contentType: string;
  readonly stream: Readable;
}

/** Hands out suppressions as a file: hashes, never addresses. */
@Injectable()
export class SuppressionExports {
  constructor(
    private readonly service: SuppressionsService,
    private readonly suppressions: SuppressionsRepository,
    private readonly hasher: AddressHasher,
  ) {}

  /**
   * Oldest first, read from the table as fast as the caller takes it. What is added meanwhile may or may not be in it. An
   * error on the way breaks the stream off, so that half a file is not taken for a whole one.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED
   */
  async start({ format, ...filter }: ExportQuery, accept: string): Promise<Export> {
    const chosen = EXPORT_FORMATS[format ?? (accept.includes('ndjson') ? 'ndjson' : 'csv')];
    const query = await this.service.toQuery(filter);
    return { contentType: chosen.contentType, stream: Readable.from(this.chunks(query, chosen)) };
  }

  private async *chunks(query: SuppressionQuery, format: ExportFormat): AsyncGenerator<Buffer, void> {
    const keyName = this.hasher.keyName();
    let after: string | null = null;
    let text = format.header;
    for (;;) {
      const rows = await this.suppressions.list(query, { after, limit: ROWS_AT_ONCE }, 'oldest_first');
      text += rows.map((row) => format.toLine(row, keyName)).join('');
      if (text !== '') yield Buffer.from(text);
      text = '';
      after = rows.at(-1)?.id ?? null;
      if (rows.length < ROWS_AT_ONCE) return;
    }
  }
}
