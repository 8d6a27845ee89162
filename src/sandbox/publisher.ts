import type { ProviderName } from './wire.js';

/** What came back for a callback. */
export interface CallbackResult {
  /** Null when there was no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly retryAfterSeconds: number | null;
}

/** How a provider posts its callbacks, and when again. */
export interface Publisher {
  readonly provider: ProviderName;
  /** Events in one request. */
  readonly batchMax: number;
  /** How long events are gathered. */
  readonly batchWaitMs: number;
  readonly timeoutMs: number;
  /** Signed anew for each attempt. */
  render(
    events: readonly unknown[],
    url: string,
  ): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  /**
   * @param attempt how many there were, from 1
   * @returns null when it is over
   */
  nextInMs(
    attempt: number,
    result: CallbackResult,
    post: { readonly url: string; readonly names: readonly string[] },
  ): number | null;
}

/** One attempt. Never throws: no answer is an answer too. */
export async function request(
  url: string,
  {
    headers,
    body,
    timeoutMs,
  }: { readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly timeoutMs: number },
): Promise<CallbackResult> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const [address = ''] = url.split('#');
    const response = await fetch(address, { method: 'POST', headers, body, redirect: 'manual', signal });
    await response.arrayBuffer();
    const seconds = Number(response.headers.get('retry-after') ?? 'none');
    return { status: response.status, error: null, retryAfterSeconds: Number.isFinite(seconds) ? seconds : null };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { status: null, error: cause instanceof Error ? cause.message : String(cause), retryAfterSeconds: null };
  }
}

/** The usual way: 2xx is success, else again after each of the gaps. */
export function byGaps(gapsMs: readonly number[], isOver: (status: number | null) => boolean): Publisher['nextInMs'] {
  return (attempt, { status }) => (isOver(status) ? null : (gapsMs[attempt - 1] ?? null));
}

export const isSuccess = (status: number | null): boolean => status !== null && status >= 200 && status < 300;
