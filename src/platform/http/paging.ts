import { BadRequestException } from '@nestjs/common';
import { z } from 'zod';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** Query fields of every list. Spread them into the query's own `z.strictObject`. */
export const pageFields = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `a whole number from 1 to ${LIMIT_MAX}`)
    .transform(Number)
    .pipe(z.number().min(1).max(LIMIT_MAX))
    .optional()
    .meta({ description: `How many, 1 to ${LIMIT_MAX}; ${LIMIT_DEFAULT} when left out.`, example: '50' }),
  cursor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'The `next_cursor` of the page before.', example: undefined }),
};

/** The part of a list to read: rows after the one with the id `after`, in the list's own order. */
export interface PageRequest {
  readonly after: string | null;
  readonly limit: number;
}

/** One page as it is answered. */
export interface Page<View> {
  readonly data: readonly View[];
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

/**
 * Reads the paging fields of a query.
 *
 * @throws BadRequestException when the cursor is none of ours
 */
export function toPageRequest(query: {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}): PageRequest {
  return { limit: query.limit ?? LIMIT_DEFAULT, after: query.cursor === undefined ? null : decodeCursor(query.cursor) };
}

/**
 * Makes a page of rows that were read with `limit + 1`: the one too many tells that there is another page.
 *
 * @example toPage(await repository.list({ ...page, limit: page.limit + 1 }), page, (row) => row.id, toView)
 */
export function toPage<Row, View>(
  rows: readonly Row[],
  page: PageRequest,
  idOf: (row: Row) => string,
  toView: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > page.limit && last !== undefined;
  return { data: shown.map(toView), next_cursor: hasMore ? encodeCursor(idOf(last)) : null };
}

/** Describes one page of `view` for the documentation. */
export function pageOf<View extends z.ZodType>(view: View): z.ZodType {
  return z.object({ data: z.array(view), next_cursor: z.string().nullable() });
}

/** Names the row behind which the next page begins. */
export function encodeCursor(id: string): string {
  return Buffer.from(JSON.stringify({ after: id })).toString('base64url');
}

/** @throws BadRequestException when the cursor is none of ours */
export function decodeCursor(cursor: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return z.strictObject({ after: z.uuid() }).parse(value).after;
  } catch {
    const errors = [{ path: 'cursor', message: 'is not the next_cursor of an earlier page' }];
    throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'the address is not as expected', errors });
  }
}
