/**
 * Where the processes of a cluster run: on hosts of their own (network namespaces), each with one cable to the callers,
 * one to the database and one to object storage; or, if the machine allows none, all on the loopback interface.
 */

import { freePort } from '../../../src/demo/free-port.ts';
import { CAN_HAVE_HOSTS, type Cable, TestNetwork } from '../../fixture/network/hosts.ts';

/** What a process reaches through a line of its own. */
export type Line = 'database' | 'storage';

/** Where a process runs. */
export interface Site {
  /** Words before a command that run it here. */
  readonly within: readonly string[];
  /** The address on which callers reach what runs here. */
  readonly address: string;
  /** The cables to the database and to object storage; null if all sites share the loopback interface. */
  readonly cables: Readonly<Record<Line, Cable>> | null;
  /** A port that nothing listens on. */
  freePort(): Promise<number>;
}

export interface Network {
  readonly isOnHosts: boolean;
  /** Addresses of this process, on which servers listen for callers, for the database and for object storage. */
  readonly own: Readonly<Record<Line | 'callers', string>>;
  addSite(): Site;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const PORT = 8080;

/** Says it loudly if the machine has no hosts. */
export async function openNetwork(note: (line: string) => void): Promise<Network> {
  if (CAN_HAVE_HOSTS) return onHosts();
  note('NO HOSTS: network namespaces need root and ip (iproute2); proxies make all partitions instead');
  const own = { callers: LOOPBACK, database: LOOPBACK, storage: LOOPBACK };
  const site: Site = { within: [], address: LOOPBACK, cables: null, freePort: () => freePort() };
  return { isOnHosts: false, own, addSite: () => site, close: async () => {} };
}

async function onHosts(): Promise<Network> {
  const [callers, database, storage] = [
    await TestNetwork.create(),
    await TestNetwork.create(),
    await TestNetwork.create(),
  ];
  return {
    isOnHosts: true,
    own: { callers: callers.address, database: database.address, storage: storage.address },
    addSite: () => {
      const host = callers.addHost();
      const cables = { database: database.attach(host, 'eth1'), storage: storage.attach(host, 'eth2') };
      return { within: host.within, address: host.address, cables, freePort: async () => PORT };
    },
    close: async () => {
      for (const network of [callers, database, storage]) await network.close();
    },
  };
}
