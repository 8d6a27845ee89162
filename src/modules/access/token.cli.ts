import { parseArgs } from 'node:util';
import { parseDuration } from '../../core/kernel/duration.js';
import { Clock } from '../../platform/clock/clock.js';
import { readConfig } from '../../platform/config/config.js';
import { makeOperatorToken } from './operator-tokens.js';
import { GRANTABLE, toGrantableScope, type GrantableScope } from './scopes.js';

const HELP = `usage: npm run token -- --scope <scope> [--scope <scope> …] [--subject <name>] [--ttl PT8H]

Prints a token for an operator, signed with SECRET_KEY. Scopes: ${GRANTABLE.join(', ')}`;
const TTL_DEFAULT = 'PT8H';

/** Prints a token, or what is wrong with the arguments. */
async function main(argumentsGiven: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...argumentsGiven],
    options: {
      scope: { type: 'string', multiple: true, default: [] },
      subject: { type: 'string', default: 'operator' },
      ttl: { type: 'string', default: TTL_DEFAULT },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.scope.length === 0) return HELP;
  const ttlMs = parseDuration(ttlText(values.ttl));
  if (ttlMs === null) throw new Error(`--ttl ${values.ttl}: a duration such as PT8H, 8h or 30m was expected`);
  const from = new Clock().now();
  const scopes = values.scope.map(toScope);
  return makeOperatorToken(readConfig(), { subject: values.subject, scopes, from, until: from + ttlMs });
}

/** `8h` is `PT8H`, as people type it. */
function ttlText(text: string): string {
  const [, count, unit] = /^(\d+)([dhm])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return text;
  return unit === 'd' ? `P${count}D` : `PT${count}${unit.toUpperCase()}`;
}

function toScope(text: string): GrantableScope {
  const scope = toGrantableScope(text);
  if (scope === null) throw new Error(`--scope ${text}: not one of ${GRANTABLE.join(', ')}`);
  return scope;
}

try {
  console.log(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
