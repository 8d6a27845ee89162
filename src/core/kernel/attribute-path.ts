/** Names in one dotted path. */
export const PATH_PARTS_MAX = 10;

const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether JavaScript reaches the machinery of an object by this name: nobody's attributes are called so. */
export const isForbiddenName = (name: string): boolean => FORBIDDEN_NAMES.has(name);
