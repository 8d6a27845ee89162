import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import http, { type ClientRequest, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { addressIn, isPublicAddress } from './public-address.js';

/** The address leads where no request of ours may go. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

/**
 * Begins a request to an address of somebody else's choosing. The address is checked where the connection is made, so that
 * a name cannot lead elsewhere between the check and the call. No redirect is followed.
 *
 * @param isPrivateAllowed whether `http` and addresses that are not public are allowed: on one's own machine only
 * @throws ForbiddenAddressError for an address that is not public; one that a name leads to is an error of the request
 */
export function guardedRequest(url: URL, isPrivateAllowed: boolean, options: RequestOptions): ClientRequest {
  if (!isPrivateAllowed) refuseForbidden(url);
  const { request } = url.protocol === 'https:' ? https : http;
  return request(url, isPrivateAllowed ? options : { ...options, lookup: publicLookup });
}

function refuseForbidden(url: URL): void {
  if (url.protocol !== 'https:') throw new ForbiddenAddressError('only https is allowed');
  // For an address in place of a name nothing is looked up.
  const address = addressIn(url);
  if (address !== null && !isPublicAddress(address)) throw new ForbiddenAddressError('the address is not public');
}

/** Finds the address of a name; fails for one that leads anywhere but to public addresses. */
const publicLookup: LookupFunction = (host, options, done) => {
  lookup(host, { ...(options as LookupOptions), all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) return done(error, '', 0);
    if (!addresses.every(({ address }) => isPublicAddress(address))) {
      return done(new ForbiddenAddressError('the name leads to an address that is not public'), '', 0);
    }
    if (options.all === true) return done(null, addresses);
    return done(null, first.address, first.family);
  });
};
