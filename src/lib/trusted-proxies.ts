/** Proxies in front of a service: which addresses are theirs. */
import { isIP } from 'node:net';
import { addressRanges, isRange } from './address-ranges.ts';
import { AppError } from './errors.ts';

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

/** An address without port, brackets and zone, and as IPv4 if it is a mapped one; undefined if it is none. */
export function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
