import type { FastifyInstance } from 'fastify';
import { UnreadableRequest } from './unreadable-request.js';
import { formatPath } from './validation.pipe.js';
import { parseYaml } from './yaml.js';

const DEPTH_MAX = 32;
const FORM_BYTES_MAX = 16_384;
/** More than the largest journey needs. To read YAML takes some ten times as long as JSON, longer when it is broken. */
const YAML_BYTES_MAX = 131_072;
/** A burst of events in one request; providers cut theirs below this. */
const RAW_BYTES_MAX = 1_048_576;
/** Content type of bodies that nobody has looked into yet. */
export const RAW = 'application/octet-stream';
/** Content types of bodies that are read line by line. */
export const LINES = /^(text\/csv|application\/x-ndjson)(;|$)/;
/** Content types of bodies in YAML. */
export const YAML = /^(application|text)\/yaml(;|$)/;

/**
 * Bodies are JSON, or, on the few routes that say so, YAML, which arrives as the same values, a form, which arrives as
 * plain text, lines, which arrive as a stream (see `readLines`), or bytes of any type, which arrive as they came, since a
 * signature covers them. Everything else is a 415.
 */
export function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<string>(/^application\/json(;|$)/, { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
  const yamlLimits = { parseAs: 'string', bodyLimit: YAML_BYTES_MAX } as const;
  server.addContentTypeParser<string>(YAML, yamlLimits, (_request, body, done) => {
    try {
      const value = parseYaml(body);
      refuseUnstorable(value);
      done(null, value);
    } catch (error) {
      done(error as Error);
    }
  });
  const form = /^(application\/x-www-form-urlencoded|multipart\/form-data)(;|$)/;
  const limits = { parseAs: 'string', bodyLimit: FORM_BYTES_MAX } as const;
  server.addContentTypeParser<string>(form, limits, (_request, body, done) => done(null, body));
  server.addContentTypeParser(LINES, (_request, stream, done) => done(null, stream));
  const rawLimits = { parseAs: 'buffer', bodyLimit: RAW_BYTES_MAX } as const;
  server.addContentTypeParser<Buffer>(RAW, rawLimits, (_request, body, done) => done(null, body));
  server.addHook('onRequest', (request, _reply, done) => {
    // Whatever the sender calls it, no parser may touch it. The sender's own word stands in `request.raw.headers`.
    if (request.routeOptions.config.takesRaw === true) request.headers = { 'content-type': RAW };
    done();
  });
}

/** @throws UnreadableRequest for what is no JSON, is nested too deeply, or holds text that cannot be stored */
function parseJson(body: string): unknown {
  if (body === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new UnreadableRequest('the body is not JSON');
  }
  refuseUnstorable(value);
  return value;
}

/**
 * PostgreSQL stores neither NUL nor half a surrogate pair, and recursion over a deep body could exhaust the stack.
 * The walk itself does not recurse. `__proto__` as a key is refused: to assign it somewhere would change a prototype.
 *
 * @throws UnreadableRequest that names the place
 */
export function refuseUnstorable(root: unknown): void {
  const rest: { readonly value: unknown; readonly path: readonly PropertyKey[] }[] = [{ value: root, path: [] }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { value, path } = next;
    if (path.length > DEPTH_MAX) throw new UnreadableRequest(`the body is nested more than ${DEPTH_MAX} levels deep`);
    if (typeof value === 'string') refuseText(value, path);
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) rest.push({ value: item as unknown, path: [...path, index] });
      continue;
    }
    for (const [key, item] of Object.entries(value)) {
      refuseText(key, path);
      if (key === '__proto__') throw new UnreadableRequest('the body holds a key "__proto__"');
      rest.push({ value: item as unknown, path: [...path, key] });
    }
  }
}

function refuseText(text: string, path: readonly PropertyKey[]): void {
  if (!text.includes('\u0000') && text.isWellFormed()) return;
  const place = path.length === 0 ? 'the request' : formatPath(path);
  throw new UnreadableRequest(`${place} holds a NUL or half a surrogate pair, which cannot be stored`);
}
