/** Whose request it is: the address of the connection or, behind trusted proxies, the one that they report. */
import type { FastifyRequest } from 'fastify';
import { plainAddress } from '../../../lib/trusted-proxies.ts';

/**
 * The address of the client: that of the connection or, if that is a trusted proxy's, the last one in
 * `X-Forwarded-For` which is not a trusted proxy's. What is left of it was written by the client, and so was an entry
 * that is no address: then it is the address of the proxy that passed it on. `Forwarded` is not read: a proxy that
 * writes one of the two passes on the other as the client sent it.
 */
export function clientAddress(request: FastifyRequest): string | undefined {
  // without trusted proxies there is no list
  const { ips } = request;
  if (ips === undefined) return plainAddress(request.ip);
  for (let i = ips.length - 1; i >= 0; i--) {
    const address = plainAddress(ips[i]!);
    if (address !== undefined) return address;
  }
  return undefined;
}
