import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { Scope } from './scopes.js';

/** What a route asks of whoever calls it. */
export type Requirement = { readonly kind: 'public' } | { readonly kind: 'scopes'; readonly scopes: readonly Scope[] };

export const REQUIREMENT = 'tactful:requirement';

/** The caller must hold every scope named. */
export function Scopes(...scopes: readonly [Scope, ...Scope[]]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIREMENT, { kind: 'scopes', scopes } satisfies Requirement),
    ApiBearerAuth('bearer'),
    ApiSecurity('api_key'),
    ApiExtension('x-scopes', scopes),
  );
}

/** Anybody may call. For what carries its own proof (an unsubscribe token), or tells nothing (health). */
export const Public = (): MethodDecorator & ClassDecorator =>
  SetMetadata(REQUIREMENT, { kind: 'public' } satisfies Requirement);
