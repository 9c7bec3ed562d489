/** The addresses of the trusted proxies in front of a service. */
import { isIP } from 'node:net';
import { addressRanges, isRange } from './address-ranges.ts';
import { AppError } from './errors.ts';

/**
 * Returns the function with which Fastify's `trustProxy` checks the address of a proxy; false if no proxy is trusted.
 * @throws AppError invalid_argument if an entry is neither an address nor a CIDR, or covers every address
 */
export function trustedProxyCheck(proxies: readonly string[]): false | ((address: string) => boolean) {
  for (const entry of proxies) {
    if (isIP(entry) === 0 && !isRange(entry))
      throw new AppError('invalid_argument', `"${entry}" is not an address or a CIDR`);
    if (entry.endsWith('/0'))
      throw new AppError(
        'invalid_argument',
        `"${entry}" covers every address, so any client could claim another client's address`,
      );
  }
  if (proxies.length === 0) return false;
  const ranges = addressRanges(proxies);
  return (address) => ranges.includes(plainAddress(address) ?? '');
}

/**
 * Returns an address without its port, brackets and zone. A mapped IPv4 address is returned as IPv4. Returns undefined
 * if the text is not an address.
 */
export function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
