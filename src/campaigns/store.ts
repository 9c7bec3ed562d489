/** The store of campaigns, expansions, audiences and jobs: one connection to the data folder's SQLite, used by the API process and by the engine process alike. */
import type { Clock } from '../lib/clock.ts';
import type { ExpansionState } from './states.ts';
import type {
  ActiveAudience,
  Campaign,
  CampaignPage,
  CampaignQuery,
  ExpansionResult,
  Job,
  NewCampaign,
  Pins,
  Reason,
} from './types.ts';

export interface StoreOptions {
  readonly clock: Clock;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
}

export class CampaignStore {
  static open(_dataDir: string, _options: StoreOptions): CampaignStore {
    throw new Error('to be written');
  }
  declare create: (input: NewCampaign, isKnown: (userId: string) => boolean) => Campaign;
  declare find: (id: string) => Campaign | null;
  declare get: (id: string) => Campaign;
  declare list: (query: CampaignQuery) => CampaignPage;
  declare activeAudience: (id: string) => ActiveAudience;
  declare audienceVersion: (id: string, version: number) => ActiveAudience;
  declare countsByState: () => Record<ExpansionState, number>;
  declare oldestQueuedSeconds: () => number;
  declare claim: (owner: string) => Job | null;
  declare renew: (job: Job) => boolean;
  declare pin: (job: Job, pins: Pins) => Pins;
  declare advance: (
    job: Job,
    change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number },
  ) => boolean;
  declare readSeeds: (job: Job) => string[];
  declare finish: (job: Job, result: ExpansionResult) => boolean;
  declare end: (
    job: Job,
    state: 'too_small' | 'failed',
    reason: Reason,
    timings?: Readonly<Record<string, number>>,
  ) => boolean;
  declare retryLater: (job: Job, reason: Reason, delayMs: number) => boolean;
  declare releaseOwner: (owner: string) => number;
  declare releaseDead: (isAlive: (pid: number) => boolean) => number;
  declare close: () => void;
}
