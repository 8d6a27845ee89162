import { BadRequestException, Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { ZodType, type ZodError } from 'zod';
import type { ProblemPart } from './problem.js';

const UNKNOWN_KEY_WEIGHT = 1_000;

type Issue = ZodError['issues'][number];

/** Parses each argument that has a zod schema; all faults are told at once, each with its path. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { schema, data, type }: ArgumentMetadata): unknown {
    if (!(schema instanceof ZodType)) return value;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const errors = parsed.error.issues.flatMap((issue) => toParts(issue, data === undefined ? [] : [data]));
    const detail = type === 'body' ? 'the body is not as expected' : 'the address is not as expected';
    throw new BadRequestException({ code: 'INVALID_INPUT', detail, errors });
  }
}

function toParts(issue: Issue, prefix: readonly PropertyKey[]): readonly ProblemPart[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: formatPath([...path, key]), message: 'is not known here' }));
  }
  const alternatives = issue.code === 'invalid_union' ? [...issue.errors] : [];
  const [nearest = []] = alternatives.sort((one, other) => distance(one) - distance(other));
  if (nearest.length > 0) return nearest.flatMap((inner) => toParts(inner, path));
  return [{ path: formatPath(path), message: issue.message }];
}

/** How far a value is from one alternative: keys that are not known there tell that another one was meant. */
function distance(issues: readonly Issue[]): number {
  const weights = issues.map((issue) =>
    issue.code === 'unrecognized_keys' ? UNKNOWN_KEY_WEIGHT * issue.keys.length : 1,
  );
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** `['steps', 2, 'next']` is `steps[2].next`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
