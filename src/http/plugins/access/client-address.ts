/** Determines the client's address from the connection or, behind trusted proxies, from `X-Forwarded-For`. */
import type { FastifyRequest } from 'fastify';
import { plainAddress } from '../../../lib/trusted-proxies.ts';

/**
 * Returns the address of the connection or, if the connection comes from a trusted proxy, the last entry of
 * `X-Forwarded-For` that is not a trusted proxy. The client may have written all earlier entries. If the last such
 * entry is not an address, the client wrote this entry too, and the result is the address of the proxy that forwarded
 * it. `Forwarded` is not read, because a proxy that sets `X-Forwarded-For` forwards `Forwarded` as the client sent it.
 */
export function clientAddress(request: FastifyRequest): string | undefined {
  // without trusted proxies, the request has no list of addresses
  const { ips } = request;
  if (ips === undefined) return plainAddress(request.ip);
  for (let i = ips.length - 1; i >= 0; i--) {
    const address = plainAddress(ips[i]!);
    if (address !== undefined) return address;
  }
  return undefined;
}
