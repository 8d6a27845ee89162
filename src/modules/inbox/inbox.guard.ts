import {
  createParamDecorator,
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { withHeaders } from '../../platform/http/problem.filter.js';
import { UsersService } from '../users/index.js';
import { InboxTokens } from './inbox-tokens.js';

const BEARER = /^Bearer +([\x21-\x7e]{1,1000})$/i;

const owners = new WeakMap<FastifyRequest, string>();

/** Whose inbox the request is about. Only behind `InboxGuard`. */
export const InboxOwner = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const owner = owners.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (owner === undefined) throw new Error('a request for an inbox that nobody was asked for');
  return owner;
});

/** Asks for the token of a person, and lets pages of the sites that are set read the answer. */
@Injectable()
export class InboxGuard implements CanActivate {
  constructor(
    private readonly tokens: InboxTokens,
    private readonly users: UsersService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'inApp'>,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    // First, so that a page may read a refusal too.
    this.allow(request.headers.origin, http.getResponse<FastifyReply>());
    if (request.method === 'OPTIONS') return true;
    const [, token] = BEARER.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw unauthenticated('send the token of a user', 'Bearer');
    const owner = this.tokens.read(token, this.clock.now());
    if (owner === null || !(await this.users.isKnown(owner))) {
      throw unauthenticated('the token is not valid', 'Bearer error="invalid_token"');
    }
    owners.set(request, owner);
    return true;
  }

  private allow(origin: string | undefined, reply: FastifyReply): void {
    void reply.header('vary', 'origin');
    if (origin === undefined || !this.config.inApp.origins.includes(origin)) return;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': '600',
    });
  }
}

function unauthenticated(detail: string, challenge: string): UnauthorizedException {
  const error = new UnauthorizedException({ code: 'UNAUTHENTICATED', detail });
  return withHeaders(error, { 'www-authenticate': challenge });
}
