/** Whose request it is: the address of the connection or, behind trusted proxies, the one that they report. */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { addressRanges, isRange } from '../../../lib/address-ranges.ts';
import { AppError } from '../../../lib/errors.ts';

/**
 * The check of a proxy's address, for Fastify's `trustProxy`; false where no proxy is trusted.
 * @throws AppError invalid_argument: an entry is no address and no CIDR, or it is every address
 */
export function trustedProxyCheck(proxies: readonly string[]): false | ((address: string) => boolean) {
  for (const entry of proxies) {
    if (isIP(entry) === 0 && !isRange(entry))
      throw new AppError('invalid_argument', `"${entry}" is not an address or a CIDR`);
    if (entry.endsWith('/0'))
      throw new AppError('invalid_argument', `"${entry}" is every address: any client could then name another's`);
  }
  if (proxies.length === 0) return false;
  const ranges = addressRanges(proxies);
  return (address) => ranges.includes(plainAddress(address) ?? '');
}

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

/** An address without port, brackets and zone, and as IPv4 if it is a mapped one; undefined if it is none. */
function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
