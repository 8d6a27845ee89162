/**
 * Everything that a key or a token may be allowed to do. One closed list: a route that asks for none of these, and is
 * not public, answers nobody.
 */
const SCOPES = [
  'users:read',
  'users:write',
  'consents:read',
  'consents:write',
  'events:read',
  'events:write',
  'suppressions:read',
  'suppressions:write',
  'decisions:read',
  'decisions:write',
  'deliveries:read',
  'deliveries:write',
  'inbox:read',
  'inbox:write',
  'journeys:read',
  'journeys:write',
  'runs:read',
  'runs:operate',
  'webhooks:read',
  'webhooks:write',
  'providers:read',
  'providers:write',
  'content:read',
  'content:write',
  'policies:read',
  'policies:write',
  'controls:read',
  'controls:write',
  'keys:read',
  'keys:write',
  'audiences:read',
  'audiences:write',
  'audit:read',
  'metrics:read',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Stands for every scope, those of later versions included. */
export const ADMIN_SCOPE = 'admin';

/** What a key or a token may carry. */
export type GrantableScope = Scope | typeof ADMIN_SCOPE;

/** Narrows a word from outside; null for a word that means nothing here. */
export function toGrantableScope(text: string): GrantableScope | null {
  return GRANTABLE.find((scope) => scope === text) ?? null;
}

export const GRANTABLE: readonly [GrantableScope, ...GrantableScope[]] = [ADMIN_SCOPE, ...SCOPES];

/** Whether a holder of `granted` may do what `wanted` names. */
export function holdsScope(granted: ReadonlySet<string>, wanted: Scope): boolean {
  return granted.has(ADMIN_SCOPE) || granted.has(wanted);
}
