/** What is simulated, and what comes out. Times are in seconds since the campaigns were posted. */

/** A host dies at this time and comes back later, with an empty cache. */
export interface Death {
  readonly host: number;
  readonly at: number;
}

export interface Scenario {
  /** Each runs one engine. */
  readonly hosts: number;
  readonly coresPerHost: number;
  /** Cores of the one machine that all hosts share; without it, each host has cores of its own. */
  readonly sharedCores?: number;
  /** Campaigns, all posted at once. */
  readonly campaigns: number;
  readonly users: number;
  /** Of each host; segments that were read longest ago are dropped first. */
  readonly cacheBytes: number;
  /** Whether each host has what its cache can hold of the population already. */
  readonly isWarm: boolean;
  /** Mean time between the deaths of one host, which are random; null for none. */
  readonly hoursBetweenDeaths: number | null;
  readonly deaths?: readonly Death[];
  readonly restartSeconds: number;
  /** Determines the random deaths. */
  readonly seed: string;
}

/** `merge`: also sorting the parts. `coordinate`: calls of the database and of object storage. */
export type Purpose = 'adapt' | 'score' | 'merge' | 'coordinate';

/** Totals of all hosts, also of what was lost with a host or came second. */
export class Totals {
  bytesRead = 0;
  bytesWritten = 0;
  /** Requests to object storage that read, and those that write. */
  reads = 0;
  writes = 0;
  databaseCalls = 0;
  readonly processorSeconds: Record<Purpose, number> = { adapt: 0, score: 0, merge: 0, coordinate: 0 };
  /** Users whose score counted, over all campaigns. */
  usersScored = 0;
  deaths = 0;
}

export interface Outcome extends Readonly<Totals> {
  /** When each campaign was ready, in the order of the queue. */
  readonly ready: readonly number[];
  /** When the last one was. */
  readonly seconds: number;
}
