import {
  ForbiddenException,
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { setPrincipal, type Principal } from '../../platform/http/principal.js';
import { withHeaders } from '../../platform/http/problem.filter.js';
import { ApiKeysService } from './api-keys.service.js';
import { OperatorTokens } from './operator-tokens.js';
import { REQUIREMENT, type Requirement } from './scopes.decorator.js';
import { ADMIN_SCOPE, holdsScope } from './scopes.js';

const LOCAL: Principal = { name: 'local', scopes: new Set([ADMIN_SCOPE]) };
const BEARER = /^Bearer +([\x21-\x7e]{1,8192})$/i;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Asks every route's caller for a key or a token with the scopes that the route names. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeysService,
    private readonly tokens: OperatorTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const places = [context.getHandler(), context.getClass()];
    const requirement = this.reflector.getAllAndOverride<Requirement | undefined>(REQUIREMENT, places);
    // A route that somebody forgot to mark must not stand open.
    if (requirement === undefined) throw new Error(`${context.getClass().name} names no scope for a route`);
    if (requirement.kind === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = this.config.auth.mode === 'none' ? LOCAL : await this.recognise(request);
    const missing = requirement.scopes.find((scope) => !holdsScope(principal.scopes, scope));
    if (missing !== undefined) throw insufficientScope(missing);
    setPrincipal(request, principal);
    return true;
  }

  private async recognise(request: FastifyRequest): Promise<Principal> {
    const credential = credentialOf(request);
    if (credential === null) throw unauthenticated('send an API key or a token', 'Bearer');
    const holder = JWT.test(credential) ? this.tokens : this.keys;
    const principal = await holder.recognise(credential);
    if (principal === null) throw unauthenticated('the key or token is not valid', 'Bearer error="invalid_token"');
    return principal;
  }
}

function credentialOf({ headers }: FastifyRequest): string | null {
  const [, bearer] = BEARER.exec(headers.authorization ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : null;
}

function unauthenticated(detail: string, challenge: string): UnauthorizedException {
  const error = new UnauthorizedException({ code: 'UNAUTHENTICATED', detail });
  return withHeaders(error, { 'www-authenticate': challenge });
}

function insufficientScope(scope: string): ForbiddenException {
  const error = new ForbiddenException({ code: 'INSUFFICIENT_SCOPE', detail: `this needs the scope ${scope}` });
  return withHeaders(error, { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` });
}
