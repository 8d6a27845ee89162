/** A cause of a cause of a cause tells enough. */
const CAUSES_MAX = 4;
/** PostgreSQL's class of faulty values: alone among its errors these repeat the value in their message. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

/** What the log tells of an error. */
export interface ErrorFacts {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string | number;
  /** The name of the database's constraint that was violated. */
  readonly constraint?: string;
  readonly cause?: ErrorFacts;
}

/**
 * Takes from an error what helps to find its cause, and nothing else: errors carry the row that was refused (`detail`
 * of PostgreSQL's), the request, or the answer of a server, and those hold people's data.
 */
export function errorFacts(error: unknown, depth = 0): ErrorFacts {
  if (!isErrorLike(error)) {
    const type = typeof error;
    return { type, message: typeof error === 'string' ? error : `something of type ${type} was thrown`, stack: '' };
  }
  const { code, constraint, cause } = error;
  const type = error.constructor.name;
  const message = withoutValues(error.message, code);
  return {
    type,
    message,
    stack: [`${type}: ${message}`, ...framesOf(error)].join('\n'),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(cause === undefined || depth >= CAUSES_MAX ? {} : { cause: errorFacts(cause, depth + 1) }),
  };
}

type ErrorLike = Error & { readonly code?: unknown; readonly constraint?: unknown };

/** Not `instanceof`: an error may come from another realm (a sandbox, a test). */
function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

/** `invalid input syntax for type uuid: "…"`, `value "…" is out of range`, `… encoding "UTF8": 0xff`. */
function withoutValues(message: string, code: unknown): string {
  if (typeof code !== 'string' || !DATA_EXCEPTION.test(code)) return message;
  return message.replace(/: [^]*$/, ': …').replace(/"[^]*"/, '"…"');
}

/** The lines below the message, which the stack repeats. */
function framesOf({ stack, message }: Error): readonly string[] {
  const lines = (stack ?? '').replace(message, '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line));
}
