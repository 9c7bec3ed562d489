/** The client's address: that of the connection or, behind trusted proxies, the one that they report. */
import type { FastifyRequest } from 'fastify';
import { plainAddress } from '../../../lib/trusted-proxies.ts';

/**
 * The address of the client: that of the connection or, if that is a trusted proxy, the last address in
 * `X-Forwarded-For` that is not a trusted proxy. Earlier entries were written by the client. If the entry is not an
 * address, the client wrote it too: the result is then the address of the proxy that forwarded it. `Forwarded` is not
 * read: a proxy that writes one of the two headers forwards the other as the client sent it.
 */
export function clientAddress(request: FastifyRequest): string | undefined {
  // without trusted proxies the request has no list
  const { ips } = request;
  if (ips === undefined) return plainAddress(request.ip);
  for (let i = ips.length - 1; i >= 0; i--) {
    const address = plainAddress(ips[i]!);
    if (address !== undefined) return address;
  }
  return undefined;
}
