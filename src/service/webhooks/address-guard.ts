/** Restricts the targets of webhooks to public addresses over https, and to exceptions that the operator allows. */

import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { addressRanges, isRange } from '../../lib/address-ranges.ts';
import { AppError } from '../../lib/errors.ts';

/** The range that IANA has allocated for public hosts; later allocations are refused until they are listed here. */
const PUBLIC_IPV6 = ipaddr.parseCIDR('2000::/3');

/**
 * Whether an IP address is public, that is, outside all special ranges that ipaddr.js names (loopback, private,
 * link-local, multicast, reserved, IPv4 inside IPv6, ..).
 */
export function isPublicAddress(address: string): boolean {
  // ipaddr.js also accepts forms such as 0177.0.0.1 and 1
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(PUBLIC_IPV6));
}

/** Resolves a host to all of its addresses. */
export type Resolve = (
  host: string,
  options: { readonly all: true; readonly family: number | 'IPv4' | 'IPv6' | undefined },
  done: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void;

export interface AddressGuard {
  /**
   * Checks a new URL like `checkTarget`, and also checks that the URL is written exactly as it will be called. @throws
   * AppError webhook_url_refused
   */
  checkUrl(text: string): URL;
  /**
   * Returns the URL if events may be sent to it. The URL must not contain user info. It must use https to a name or a
   * public address, or http or https to an allowed host. @throws AppError webhook_url_refused
   */
  checkTarget(text: string): URL;
  /**
   * A `lookup` for node:net, so that connections go to the checked address. If any address of a host is refused, the
   * host is refused with the code `address_refused`.
   */
  readonly lookup: LookupFunction;
}

/**
 * `allowed` contains hosts and CIDRs. An allowed host (a name or an address) may have any address and use plain http.
 * The addresses of a CIDR are allowed under any name.
 * @throws AppError invalid_argument for an entry that is neither a host nor a CIDR
 */
export function createAddressGuard(allowed: readonly string[], resolve: Resolve = systemLookup): AddressGuard {
  const { hosts, isInRange } = parseAllowed(allowed);
  const isAllowed = (host: string) => hosts.has(host) || isInRange(host);
  const checkTarget = (text: string) => {
    // `URL` drops line breaks and tabs, so the URL shown would differ from the URL called
    if (/[\0-\x20\x7f]/.test(text)) throw refused('contains a space or a control character', text);
    const url = parseUrl(text);
    if (url === null) throw refused('is not a URL', text);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('is not https', text);
    // the message does not repeat the URL, which may contain a password
    if (url.username !== '' || url.password !== '') throw refused('contains a user name or password');
    const host = hostOf(url);
    if (isAllowed(host)) return url;
    if (url.protocol !== 'https:') throw refused('is not https', text);
    const isLocal = isIP(host) === 0 ? /(^|\.)localhost$/.test(host) : !isPublicAddress(host);
    if (isLocal) throw refused('names a loopback, private or reserved address', text);
    return url;
  };
  return {
    checkTarget,
    checkUrl(text) {
      const url = checkTarget(text);
      const fault = urlTextFault(text, url);
      if (fault !== null) throw refused(fault, text);
      return url;
    },
    lookup(host, options, done) {
      const isListed = hosts.has(withoutDot(host));
      resolve(host, { all: true, family: options.family }, (error, addresses) => {
        const refusedOne = addresses?.find(
          ({ address }) => !isListed && !isPublicAddress(address) && !isInRange(address),
        );
        const [first] = addresses ?? [];
        if (error !== null) done(error, '', 0);
        else if (first === undefined) done(withCode('ENOTFOUND', 'the host has no address'), '', 0);
        else if (refusedOne !== undefined)
          done(withCode('address_refused', 'an address of the host is refused'), '', 0);
        else if (options.all === true) done(null, addresses);
        else done(null, first.address, first.family);
      });
    },
  };
}

interface Allowed {
  readonly hosts: ReadonlySet<string>;
  isInRange(address: string): boolean;
}

function parseAllowed(entries: readonly string[]): Allowed {
  const hosts = new Set<string>();
  const ranges: string[] = [];
  for (const entry of entries) {
    if (isRange(entry)) ranges.push(entry);
    else hosts.add(hostOfEntry(entry));
  }
  const allowed = addressRanges(ranges);
  return { hosts, isInRange: (address) => allowed.includes(address) };
}

/** Normalises the host of an entry to the form used in URLs. */
function hostOfEntry(entry: string): string {
  const url = parseUrl(`http://${isIP(entry) === 6 ? `[${entry}]` : entry}/`);
  // in `host`, non-ASCII letters are encoded in punycode
  const isHost = url !== null && (isIP(entry) === 6 || !/[^\p{L}\p{N}\p{M}._-]/u.test(entry));
  if (!isHost) throw new AppError('invalid_argument', `"${entry}" is not a host, address or CIDR`);
  return hostOf(url);
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** The host without the brackets of IPv6 and without a trailing dot. */
function hostOf(url: URL): string {
  return withoutDot(url.hostname.replace(/^\[|\]$/g, ''));
}

function withoutDot(host: string): string {
  return host.replace(/\.$/, '');
}

function refused(what: string, value?: string): AppError {
  return new AppError('webhook_url_refused', `the URL ${what}`, {
    details: [{ pointer: '/url', message: what, ...(value === undefined ? {} : { value }) }],
  });
}

function withCode(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** Maximum number of characters in a host name and in a label (RFC 1035). */
const MAXIMUM_NAME = 253;
const MAXIMUM_LABEL = 63;

/**
 * Returns what is wrong with the spelling of a URL; null if it is correct. The class `URL` silently repairs many
 * mistakes: it reads `https:///x` as the host x, `\` as `/`, `%65` in a host as `e`, and a number as an IP address, and
 * it drops invisible characters.
 */
function urlTextFault(text: string, url: URL): string | null {
  const authority = /^https?:\/\/([^/\\?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return 'has no host';
  if (text.includes('\\')) return 'contains a backslash';
  // also finds an empty user name, which `URL` drops
  if (authority.includes('@')) return 'contains a user name or password';
  if (text.includes('#')) return 'contains a fragment, which is never sent';
  if (url.port === '0') return 'has the port 0';
  if (authority.includes('%')) return 'has a host with percent-encoded characters';
  if (/[\p{Cf}\p{Z}]/u.test(authority)) return 'has a host with invisible characters';
  if (url.hostname.startsWith('[')) return null;
  const isNumbers = /^[\d.]+$/.test(url.hostname);
  if (isNumbers && authority.replace(/:\d*$/, '') !== url.hostname) return 'does not write the address as four numbers';
  return nameFault(url.hostname.replace(/\.$/, ''));
}

function nameFault(name: string): string | null {
  const labels = name.split('.');
  if (labels.includes('')) return 'has a host with an empty part';
  if (name.length > MAXIMUM_NAME) return `has a host of more than ${MAXIMUM_NAME} characters`;
  if (labels.some((label) => label.length > MAXIMUM_LABEL))
    return `has a host with a part of more than ${MAXIMUM_LABEL} characters`;
  return null;
}
