/** Sets of IP addresses, given as addresses and CIDRs. */
import { BlockList, isIP } from 'node:net';

export interface AddressRanges {
  /** Whether the address is in the set; false for text that is not an IP address. */
  includes(address: string): boolean;
}

/** Whether text is a CIDR: an address and a number of bits. */
export function isRange(entry: string): boolean {
  const [address = '', bits = '', ...rest] = entry.split('/');
  const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/**
 * `entries` are addresses, or CIDRs as `isRange` accepts them. There is one list per family: a joint list treats an
 * IPv4 address like its mapped IPv6 form, and matches it against IPv6 ranges.
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
