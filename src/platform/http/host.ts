const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether a Host header names this machine, or the name under which it was published.
 *
 * @param host with or without a port; undefined when the request has none
 */
export function isHostAllowed(host: string | undefined, publicUrl: string): boolean {
  if (host === undefined) return false;
  const name = host.toLowerCase().replace(/:\d{1,5}$/, '');
  return LOOPBACK.test(name) || name === new URL(publicUrl).hostname;
}
