import type { Endpoint } from '../exchange.js';
import type { Setting } from '../setting.js';
import { isObject, json, readObject, refused, type Answer, type Verdict, type WireRequest } from '../wire.js';

// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences

const ENTRIES_MAX = 10_000;
const SCHEMAS = ['EMAIL_SHA256', 'PHONE_SHA256'];
const SHA256 = /^[0-9a-f]{64}$/;
const TOKEN_INVALID = 190;
const PARAMETER_INVALID = 100;
const TOO_MANY_CALLS = 80_003;

const failure = (status: number, code: number, message: string): Answer =>
  json(status, { error: { message, type: 'OAuthException', code, fbtrace_id: 'sandbox' } });

/** Custom audiences of an advertising platform. It knows who is in each, and counts what came. */
export function playAudiences({ app, exchange, book }: Setting): void {
  const audiences = new Map<
    string,
    { readonly members: Set<string>; adds: number; removes: number; largest: number }
  >();
  const audienceOf = (id: string) => {
    const known = audiences.get(id) ?? { members: new Set<string>(), adds: 0, removes: 0, largest: 0 };
    audiences.set(id, known);
    return known;
  };

  const endpointOf = (act: 'add' | 'remove'): Endpoint => ({
    desk: 'audiences',
    judge(request): Verdict {
      if (request.headers.authorization !== `Bearer ${book.now.audiences.access_token}`)
        return refused(failure(401, TOKEN_INVALID, 'Invalid OAuth access token'));
      const batch = readBatch(request);
      if (typeof batch === 'string') return refused(failure(400, PARAMETER_INVALID, batch));
      const { id = '' } = request.params;
      const { valid, invalid } = batch;
      const answer = json(200, {
        ...{ audience_id: id, session_id: '1', num_received: valid.length + invalid.length },
        ...{ num_invalid_entries: invalid.length, invalid_entry_samples: {} },
      });
      const work = (): void => {
        const audience = audienceOf(id);
        audience[act === 'add' ? 'adds' : 'removes'] += 1;
        audience.largest = Math.max(audience.largest, valid.length + invalid.length);
        for (const each of valid) audience.members[act === 'add' ? 'add' : 'delete'](each);
      };
      return { kind: 'taken', messages: [], answer, work };
    },
    failure: (status) => failure(status, status === 429 ? TOO_MANY_CALLS : 2, 'told to fail'),
  });

  exchange.route(app, 'POST', '/audiences/:id/users', endpointOf('add'));
  exchange.route(app, 'DELETE', '/audiences/:id/users', endpointOf('remove'));
  app.get<{ Params: { id: string } }>('/admin/audiences/:id', async ({ params }) => {
    const { members, ...counts } = audienceOf(params.id);
    return { members: [...members].sort(), ...counts };
  });
}

/** @returns members as `<schema> <hash>`; a text that says what is wrong */
function readBatch({
  raw,
}: WireRequest): { readonly valid: readonly string[]; readonly invalid: readonly unknown[] } | string {
  const { payload } = readObject(raw) ?? {};
  if (!isObject(payload)) return 'The parameter payload is required';
  const { schema, data } = payload;
  const [name] = Array.isArray(schema) ? schema : [schema];
  if (typeof name !== 'string' || !SCHEMAS.includes(name)) return 'Invalid schema';
  if (!Array.isArray(data) || data.length === 0) return 'The parameter data is required';
  if (data.length > ENTRIES_MAX) return `At most ${ENTRIES_MAX} users can be added or removed at a time`;
  const entries: unknown[] = data.map((entry: unknown) => (Array.isArray(entry) ? entry[0] : entry));
  const isValid = (entry: unknown): entry is string => typeof entry === 'string' && SHA256.test(entry);
  return {
    valid: entries.filter(isValid).map((hash) => `${name} ${hash}`),
    invalid: entries.filter((entry) => !isValid(entry)),
  };
}
