/** Whose request it is: the address of the connection or, behind trusted proxies, the one that they report. */
import { isIP, isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import { addressRanges, isRange } from './address-ranges.ts';

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

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, as a single subscriber has at least that
 * many addresses.
 */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Without leading zeros; an IPv4 address at the end is two groups. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (isIPv4(group) ? ['0', '0'] : [group.replace(/^0+(?=.)/, '')]));
}

/** An address without port, brackets and zone, and as IPv4 if it is a mapped one; undefined if it is none. */
function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
