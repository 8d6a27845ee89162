import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who makes a request. The access guard sets it before any handler runs. */
export interface Principal {
  /** Stable and printable: `local`, `key:<id>` or `operator:<subject>`. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
}

const principals = new WeakMap<FastifyRequest, Principal>();

export function setPrincipal(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal);
}

/** Null on public routes. */
export function principalOf(request: FastifyRequest): Principal | null {
  return principals.get(request) ?? null;
}

/** Who makes the request. Only for routes that are not public. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const principal = principalOf(context.switchToHttp().getRequest<FastifyRequest>());
  return principal ?? { name: 'nobody', scopes: new Set() };
});

/** The name of who makes the request, as it goes into the audit trail. Only for routes that are not public. */
export const PrincipalName = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  return principalOf(context.switchToHttp().getRequest<FastifyRequest>())?.name ?? 'nobody';
});
