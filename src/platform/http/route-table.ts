import type { FastifyInstance } from 'fastify';

/** One route as the server knows it. */
interface KnownRoute {
  readonly method: string;
  /** E.g. `/api/users/:id`. */
  readonly path: string;
}

const tables = new WeakMap<FastifyInstance, KnownRoute[]>();

/** Begins to note every route of the server; to be called before the first one is made. */
export function recordRoutes(server: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  tables.set(server, routes);
  server.addHook('onRoute', ({ method, path }) => {
    for (const each of [method].flat()) routes.push({ method: each, path });
  });
}

/** The methods, sorted, under which a path of this shape exists. */
export function allowedMethods(server: FastifyInstance, path: string): readonly string[] {
  const parts = path.split('/');
  const methods = (tables.get(server) ?? []).filter((route) => isMatch(route.path.split('/'), parts));
  return [...new Set(methods.map(({ method }) => method))].sort();
}

function isMatch(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.length !== parts.length) return false;
  return pattern.every((part, index) => {
    return part.startsWith(':') ? parts[index] !== '' : part === parts[index];
  });
}
