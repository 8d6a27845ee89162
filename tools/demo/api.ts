import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS_MAX = 6;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 5_000;
const REQUEST_MS_MAX = 60_000;
const PAGE_SIZE = 200;
/** The server said: not now. Nothing was done. */
const RETRIED = new Set([429, 502, 503, 504]);

/** A request that was answered with an error, as the server explained it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, code: string | null, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Nobody listens at the address. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Talks JSON to one server. Every request of the demo may be repeated safely, so lost answers are asked for again. */
export interface Api {
  readonly baseUrl: string;
  /** @throws ApiError, UnreachableError */
  get<Answer>(path: string): Promise<Answer>;
  /** @throws ApiError, UnreachableError */
  post<Answer>(path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** @param apiKey null when the server asks for none */
export function createApi(baseUrl: string, apiKey: string | null): Api {
  const common: Record<string, string> = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const post: Api['post'] = (path, body, headers = {}) => {
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const init: RequestInit = { method: 'POST', headers: { ...common, ...content, ...headers } };
    return request(new URL(path, baseUrl), body === undefined ? init : { ...init, body: JSON.stringify(body) });
  };
  return { baseUrl, post, get: (path) => request(new URL(path, baseUrl), { headers: common }) };
}

/** The object at `path`, or null if there is none. */
export async function findOrNull<Found>(api: Api, path: string): Promise<Found | null> {
  try {
    return await api.get<Found>(path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

interface Page<Row> {
  readonly data: readonly Row[];
  readonly next_cursor: string | null;
}

/**
 * Reads a list page by page.
 *
 * @param path with its filter, if any
 * @param isWanted the reading ends at the first row for which it says no; lists are newest first
 */
export async function listAll<Row>(
  api: Api,
  path: string,
  isWanted: (row: Row) => boolean = () => true,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor !== '' && { cursor }) });
    const page: Page<Row> = await api.get<Page<Row>>(`${path}${path.includes('?') ? '&' : '?'}${query.toString()}`);
    const end = page.data.findIndex((row) => !isWanted(row));
    rows.push(...(end < 0 ? page.data : page.data.slice(0, end)));
    cursor = end < 0 ? page.next_cursor : null;
  }
  return rows;
}

async function request<Answer>(url: URL, init: RequestInit): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MS_MAX) }).catch(
      (error: unknown) => {
        if (attempt < ATTEMPTS_MAX && !isRefused(error)) return null;
        throw new UnreachableError(`${url.origin} does not answer: ${causeOf(error)}`, { cause: error });
      },
    );
    if (answer !== null && (attempt === ATTEMPTS_MAX || !RETRIED.has(answer.status))) return read<Answer>(answer, url);
    await answer?.body?.cancel();
    const after = Number(answer?.headers.get('retry-after') ?? 0) * 1_000;
    await sleep(Math.max(after, Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** attempt)));
  }
}

async function read<Answer>(answer: Response, url: URL): Promise<Answer> {
  const text = await answer.text();
  const body: unknown = parse(text);
  if (answer.ok) return body as Answer;
  const problem = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly code?: string;
    readonly detail?: string;
    readonly errors?: readonly { readonly path: string; readonly message: string }[];
  };
  const faults = (problem.errors ?? []).map(({ path, message }) => `${path}: ${message}`).join('; ');
  const said = [problem.code, problem.detail, faults].filter(Boolean).join(', ');
  throw new ApiError(answer.status, problem.code ?? null, `${answer.status} from ${url.pathname}: ${said || text}`);
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function causeOf(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } };
  return cause?.code ?? cause?.message ?? String(error);
}

function isRefused(error: unknown): boolean {
  return causeOf(error) === 'ECONNREFUSED';
}
