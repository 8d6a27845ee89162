import { parseArgs } from 'node:util';
import { parseDuration } from '../../core/kernel/duration.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Config } from '../../platform/config/config.js';
import { makeOperatorToken } from './operator-tokens.js';
import { GRANTABLE, toGrantableScope, type GrantableScope } from './scopes.js';

const HELP = `usage: npm run token -- --scope <scope> [--scope <scope> …] [--subject <name>] [--ttl 8h]

Prints a token for an operator, signed with SECRET_KEY or else the secret that npm start keeps in its data folder.
Scopes: ${GRANTABLE.join(', ')}`;
const SUBJECT_DEFAULT = 'operator';
const TTL_DEFAULT = '8h';
const TTL_EXPECTED = 'a duration such as 30m, 8h, 7d or PT8H was expected';

/**
 * The command `token`: what it prints for these arguments.
 *
 * @param readConfig is asked only when a token is to be made, so that the help needs no settings
 * @throws Error that says which argument is wrong and what was expected
 */
export async function tokenCommand(
  givenArguments: readonly string[],
  { readConfig, now }: { readonly readConfig: () => Pick<Config, 'auth' | 'secrets'>; readonly now: InstantMs },
): Promise<string> {
  const { values } = parseArgs({
    args: [...givenArguments],
    options: {
      scope: { type: 'string', multiple: true, default: [] },
      subject: { type: 'string', default: SUBJECT_DEFAULT },
      ttl: { type: 'string', default: TTL_DEFAULT },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.scope.length === 0) return HELP;
  const ttlMs = parseDuration(toIsoDuration(values.ttl));
  if (ttlMs === null) throw new Error(`--ttl ${values.ttl}: ${TTL_EXPECTED}`);
  const scopes = values.scope.map(toScope);
  const config = readConfig();
  if (config.auth.jwksUrl !== null) throw new Error('JWKS_URL is set: tokens come from the identity provider');
  return makeOperatorToken(config, { subject: values.subject, scopes, from: now, until: now + ttlMs });
}

/** `8h` is `PT8H`, as people type it. */
function toIsoDuration(text: string): string {
  const [, count, unit] = /^(\d+)([dhm])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return text;
  return unit === 'd' ? `P${count}D` : `PT${count}${unit.toUpperCase()}`;
}

function toScope(text: string): GrantableScope {
  const scope = toGrantableScope(text);
  if (scope === null) throw new Error(`--scope ${text}: not one of ${GRANTABLE.join(', ')}`);
  return scope;
}
