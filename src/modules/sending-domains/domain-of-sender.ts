import type { Config } from '../../platform/config/config.js';

/** The domain that mailbox providers judge: that of EMAIL_FROM, in lower case. */
export function domainOfSender({ email }: { readonly email: Pick<Config['email'], 'from'> }): string {
  const { address } = email.from;
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
