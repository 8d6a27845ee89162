import type { Condition } from '../../core/audiences/condition.js';
import { leavesOf } from '../../core/audiences/leaves.js';

type Document = Readonly<Record<string, unknown>>;

/** Which attributes conditions test, as dotted paths; what lies within another one is left out. */
export function pathsOf(conditions: readonly (Condition | null)[]): readonly string[] {
  return outermost(conditions.flatMap((condition) => (condition === null ? [] : pathsIn(condition))));
}

/** Each path once; one that leads into another one adds nothing. */
export function outermost(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)].sort();
  return unique.filter((path) => !unique.some((other) => path.startsWith(`${other}.`)));
}

/**
 * The part of a document that lies at these paths. Attributes are personal data: a record keeps those that a condition
 * was tested on, and a condition answers the same on this part as on the whole.
 */
export function partAt(document: Document, paths: readonly string[]): Document {
  const part: Record<string, unknown> = {};
  for (const path of paths) copy(document, part, path.split('.'));
  return part;
}

function copy(from: Document, to: Record<string, unknown>, [name, ...rest]: readonly string[]): void {
  if (name === undefined || !Object.hasOwn(from, name)) return;
  const value = from[name];
  if (rest.length === 0) return define(to, name, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  if (!Object.hasOwn(to, name)) define(to, name, {});
  copy(value as Document, to[name] as Record<string, unknown>, rest);
}

/** Unlike an assignment this sets what is called `__proto__` as a field like any other. */
function define(to: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true });
}

function pathsIn(condition: Condition): readonly string[] {
  return leavesOf(condition).map(({ attribute }) => attribute);
}
