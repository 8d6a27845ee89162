/** RFC 2919 and RFC 8058: which list it is, where to withdraw, and that one POST there is enough. */
export function listHeaders(unsubscribeUrl: string | null, domain: string): Readonly<Record<string, string>> {
  if (unsubscribeUrl === null) return {};
  return {
    'List-Id': `<marketing.${domain}>`,
    'List-Unsubscribe': `<${unsubscribeUrl}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}
