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
  /** Cores of the one machine that all hosts are on; without it, each host has cores of its own. */
  readonly sharedCores?: number;
  /** Campaigns, all posted at once. */
  readonly campaigns: number;
  readonly users: number;
  /** Of each host; segments that were read longest ago are dropped first. */
  readonly cacheBytes: number;
  /** Whether each host has what its cache can hold of the population already. */
  readonly isWarm: boolean;
  /** Speed of each host relative to the measured one; 1 if it is not listed. */
  readonly speeds?: readonly number[];
  /** Mean time between the deaths of one host, which are random; null for none. */
  readonly hoursBetweenDeaths: number | null;
  readonly deaths?: readonly Death[];
  readonly restartSeconds: number;
  /** Determines the random deaths. */
  readonly seed: string;
}

export interface Outcome {
  /** When each campaign was ready, in the order of the queue. */
  readonly ready: readonly number[];
  /** When the last one was. */
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Requests to object storage that read, and those that write. */
  readonly reads: number;
  readonly writes: number;
  readonly databaseCalls: number;
  /** Time of the database's cores. */
  readonly databaseSeconds: number;
  /** What the engines computed, by purpose; also what was lost with a host or came second. */
  readonly processorSeconds: Readonly<Record<Purpose, number>>;
  /** Time that cores existed: hosts times cores times time, less what dead hosts missed. */
  readonly coreSeconds: number;
  /** Users whose score counted, over all campaigns. */
  readonly usersScored: number;
  /** Ranges whose result counted, and results that came second or were lost. */
  readonly rangesFinished: number;
  readonly rangesWasted: number;
  readonly rangesDoubled: number;
  readonly deaths: number;
}

/** `merge`: also sorting the parts. `coordinate`: calls of the database and of object storage. */
export type Purpose = 'adapt' | 'score' | 'merge' | 'coordinate';
