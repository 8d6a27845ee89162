/** Classes and codes of PostgreSQL that say "not now", https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NOT_NOW = /^(08|53|57P0|57014|25P03|40001|40P01|55P03)/;
const CHECK_VIOLATION = '23514';
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EPIPE']);
const POOL_MESSAGES = [
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Client has encountered a connection error',
];
const CAUSES_MAX = 5;

/** Whether an error says that the database (or the way to it) cannot answer now, so that trying again makes sense. */
export function isUnavailable(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth += 1) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : '';
    if (NOT_NOW.test(code) || NETWORK.has(code) || isPartitionMissing(current, code)) return true;
    const { message } = current;
    if (POOL_MESSAGES.some((text) => message.startsWith(text))) return true;
    current = current.cause;
  }
  return false;
}

/** "no partition of relation": the only check without a name that a row of ours can fail. */
function isPartitionMissing(error: Error, code: string): boolean {
  return code === CHECK_VIOLATION && (!('constraint' in error) || error.constraint === undefined);
}
