/** Where webhooks may go: public addresses over https, and exceptions that the operator allows. */
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '../../lib/errors.ts';
import { addressRanges, isRange } from '../http/address-ranges.ts';
import { urlTextFault } from './url-text.ts';

/** IPv4 ranges that are not single public hosts (IANA's special-purpose registry, multicast, reserved). */
const REFUSED_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by carriers (CGNAT)
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and clouds' metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];

/**
 * Everything that IANA allocates as public; loopback, private, link-local, multicast, mapped IPv4 and NAT64 are
 * outside.
 */
const PUBLIC_IPV6 = ['2000::/3'];

const REFUSED_IPV6 = [
  '2001::/23', // protocol assignments, Teredo: may hold an IPv4 address
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: holds an IPv4 address
  '3fff::/20', // documentation
];

const REFUSED = addressRanges([...REFUSED_IPV4, ...REFUSED_IPV6]);
const PUBLIC = addressRanges(['0.0.0.0/0', ...PUBLIC_IPV6]);

/** Whether an IP address belongs to a public host. */
export function isPublicAddress(address: string): boolean {
  return PUBLIC.includes(address) && !REFUSED.includes(address);
}

/** The resolver of a guard: returns all addresses of a host. */
export type Resolve = (
  host: string,
  options: { readonly all: true; readonly family: number | 'IPv4' | 'IPv6' | undefined },
  done: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void;

export interface AddressGuard {
  /**
   * For a new URL: as `checkTarget`, and it is written as it will be called.
   * @throws AppError webhook_url_refused
   */
  checkUrl(text: string): URL;
  /**
   * The URL, if events may be sent to it: http(s), without user info; https to a name or a public address, or an
   * allowed host.
   * @throws AppError webhook_url_refused
   */
  checkTarget(text: string): URL;
  /**
   * `lookup` of node:net: the connection goes to the checked address. A host with any refused address is refused, with
   * the code `address_refused`.
   */
  readonly lookup: LookupFunction;
}

/**
 * `allowed` are hosts (names or addresses), which may have any address and be called by plain http, and CIDRs, whose
 * addresses any name may have.
 * @throws AppError invalid_argument: an entry that is none of these
 */
export function createAddressGuard(allowed: readonly string[], resolve: Resolve = systemLookup): AddressGuard {
  const { hosts, isInRange } = parseAllowed(allowed);
  const isAllowed = (host: string) => hosts.has(host) || isInRange(host);
  const checkTarget = (text: string) => {
    // URL drops line breaks and tabs: what is shown would not be what is called
    if (/[\0-\x20\x7f]/.test(text)) throw refused('contains a space or a control character', text);
    const url = parseUrl(text);
    if (url === null) throw refused('is not a URL', text);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('is not https', text);
    // not repeated: it may contain a password
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

/** An entry's host in the form used in URLs. */
function hostOfEntry(entry: string): string {
  const url = parseUrl(`http://${isIP(entry) === 6 ? `[${entry}]` : entry}/`);
  // letters of other alphabets are punycode in `host`
  const isHost = url !== null && (isIP(entry) === 6 || !/[^\p{L}\p{N}\p{M}._-]/u.test(entry));
  if (!isHost) throw new AppError('invalid_argument', `"${entry}" is not a host, address or CIDR`);
  return hostOf(url);
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Without the brackets of IPv6, and without the dot that may end a name. */
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
