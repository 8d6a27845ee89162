/** What Global Privacy Control opts out of. It says nothing about messages that the person asked for. */
export const GPC_PURPOSES = ['sale', 'sharing', 'targeting'] as const;

/**
 * Whether a request carries the signal of Global Privacy Control: a `Sec-GPC` field whose value is exactly `1`. A field
 * that was sent twice, or holds anything else, is ignored.
 *
 * @see https://www.w3.org/TR/gpc/ on the Sec-GPC header field
 */
export function isGpc(headerValue: string | readonly string[] | undefined): boolean {
  return headerValue === '1';
}
