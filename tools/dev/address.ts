const EVERY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Where a server that listens on this host is reached from this machine.
 *
 * @returns a URL without a trailing slash; an IPv6 address in brackets
 */
export function localAddress(host: string, port: number): string {
  const name = EVERY_ADDRESS[host] ?? host;
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`;
}
