/** Messages between the API process and the engine. */

import type { EstimateInputs } from '../domain/estimates.ts';
import type { StoreLocator } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { ThreadError } from '../lib/threads/thread-error.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { EstimateOutcome } from './expansion/estimator.ts';
import type { ShadowCampaign, ShadowComparison } from './expansion/shadow.ts';
import type { Heartbeat } from './heartbeat.ts';

export interface CheckModelTask {
  readonly version: string;
  readonly folder: string;
  readonly campaigns: readonly ShadowCampaign[];
}

export type { ShadowCampaign };

/** The result for a model that loaded, reproduced its golden batch, fits the population and expanded the campaigns. */
export interface CheckedModel {
  readonly populationVersion: string;
  readonly comparisons: readonly ShadowComparison[];
}

/** The versions that an engine serves: first attempts of expansions pin them. Replaced as a whole. */
export interface EngineServed {
  /** The epoch of the service's `Served`. */
  readonly epoch: number;
  readonly model: {
    /** The version that the API process reports: another version in the folder is refused. */
    readonly version: string;
    readonly folder: string;
  };
  readonly populationVersion: string;
}

/** Everything an engine needs to know; the API process sends it first. */
export interface EngineConfig {
  readonly store: StoreLocator;
  readonly served: EngineServed;
  /** Folder of other models, by version: an expansion finishes with the model that it began with. */
  readonly models: string;
  /** Folder of all versions of the population. */
  readonly population: string;
  readonly device: string;
  readonly threads: number;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  /** Minimum work, in milliseconds, for which a stop saves a checkpoint of an expansion. */
  readonly keptWorkMs: number;
  /** Jobs wait while the disk has less free space than this. */
  readonly diskReserveBytes: number;
  /** Set once the store's reserve for deletions exists: jobs then wait while it is missing. */
  readonly reserveExpected: boolean;
  readonly logLevel: string;
  /** Log in a human-readable format. */
  readonly prettyLogs?: boolean;
  /** How telemetry is exported; null if it is not. */
  readonly telemetry: TelemetrySettings | null;
  /** Added to monotonic time, gives the time of the service. */
  readonly clockOffsetMs: number;
  /** Identifies this engine's leases: `<pid>:<uuid>` with its own pid in front. */
  readonly ownerId: string;
}

export type ToEngine =
  | { readonly kind: 'start'; readonly config: EngineConfig }
  | { readonly kind: 'estimate'; readonly id: number; readonly task: EstimateInputs; readonly timeMs: number }
  /** Another model or population is served from now on. */
  | { readonly kind: 'serve'; readonly served: EngineServed }
  /** Load a model beside the served one, and compare the two. */
  | { readonly kind: 'check_model'; readonly id: number; readonly task: CheckModelTask }
  /** A checked model will not be served. */
  | { readonly kind: 'drop_model'; readonly version: string }
  /** Claim no more jobs: `stop` follows soon. */
  | { readonly kind: 'drain' }
  /** The store's reserve for deletions exists: from now on, jobs wait while it is missing. */
  | { readonly kind: 'reserve_expected' }
  /** The offset of the service's clock has changed. */
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'stop' };

export type FromEngine =
  | { readonly kind: 'ready'; readonly device: string }
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  /** An expansion is ready. */
  | { readonly kind: 'expanded'; readonly timings: Timings }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'estimated'; readonly id: number; readonly outcome: EstimateOutcome }
  | { readonly kind: 'not_estimated'; readonly id: number; readonly error: ThreadError }
  | { readonly kind: 'model_checked'; readonly id: number; readonly check: CheckedModel }
  | { readonly kind: 'model_rejected'; readonly id: number; readonly error: ThreadError };
