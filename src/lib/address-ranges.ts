/** Sets of IP addresses, described by addresses and CIDRs. */
import { BlockList, isIP } from 'node:net';

export interface AddressRanges {
  /** Whether the address is in the set; false for text that is not an IP address. */
  includes(address: string): boolean;
}

/** Whether the text is a CIDR, that is, an address and a number of bits. */
export function isRange(entry: string): boolean {
  const [address = '', bits = '', ...rest] = entry.split('/');
  const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/**
 * Makes a set from addresses and CIDRs that `isRange` accepts. There is one list per address family, because a joint
 * list would match an IPv4 address (as its mapped IPv6 form) against IPv6 ranges.
 */
export function addressRanges(entries: readonly string[]): AddressRanges {
  const ipv4 = new BlockList();
  const ipv6 = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    if (isIP(address) === 6) ipv6.addSubnet(address, Number(bits ?? 128), 'ipv6');
    else ipv4.addSubnet(address, Number(bits ?? 32), 'ipv4');
  }
  return {
    includes(address) {
      const family = isIP(address);
      return family === 4 ? ipv4.check(address, 'ipv4') : family === 6 && ipv6.check(address, 'ipv6');
    },
  };
}
