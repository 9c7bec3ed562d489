/** Messages between the API process and the engine. */

import type { EstimateInputs } from '../domain/estimates.ts';
import type { StoreLocator } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { ThreadError } from '../lib/threads/thread-error.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { EstimateOutcome } from './expansion/estimator.ts';
import type { ShadowCampaign, ShadowComparison } from './expansion/shadow.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { SharedConfig } from './shared-versions.ts';

export interface CheckModelTask {
  readonly version: string;
  readonly folder: string;
  readonly campaigns: readonly ShadowCampaign[];
}

export type { ShadowCampaign, ShadowComparison };

/**
 * The result of a model check that passed: the model was loaded, reproduced its golden batch, fits the population and
 * expanded the campaigns.
 */
export interface CheckedModel {
  readonly populationVersion: string;
  readonly comparisons: readonly ShadowComparison[];
}

/**
 * The versions that an engine serves, which are always replaced together. The first attempt at an expansion pins these
 * versions.
 */
export interface EngineServed {
  /** The epoch of the service's served versions. */
  readonly epoch: number;
  readonly model: {
    /**
     * The model version that the API process reports. If the folder contains a different version, the engine refuses
     * it.
     */
    readonly version: string;
    readonly folder: string;
  };
  readonly populationVersion: string;
}

/** The configuration of an engine, which is the first message from the API process. */
export interface EngineConfig {
  readonly store: StoreLocator;
  readonly served: EngineServed;
  /** Folder of other models, by version. An expansion that began with such a model also finishes with it. */
  readonly models: string;
  /** Folder of all versions of the population. */
  readonly population: string;
  /** Where versions come from if the folders above are copies of published versions; absent if they are not. */
  readonly shared?: SharedConfig;
  /**
   * Whether the service has just verified the served population, so that the engine does not do so too. What it reads
   * later is verified again. Default: false.
   */
  readonly isVerified?: boolean;
  readonly device: string;
  readonly threads: number;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  /** Whether the engine expands campaigns; otherwise it only makes estimates and checks models. */
  readonly expands: boolean;
  /** Number of segments of a range, in a cluster. */
  readonly rangeSegments: number;
  /** Minimum work, in milliseconds, for which a stop saves a checkpoint of an expansion. */
  readonly keptWorkMs: number;
  /** Maximum size of the stored user sides, in bytes; 0 stores none. */
  readonly userSideBytes: number;
  /** Minimum number of users of a population on which a campaign is rehearsed. */
  readonly rehearsedUsers: number;
  /** Whether results that depend only on users are computed separately: 1 or 0. */
  readonly userSides: number;
  /** Minimum free disk space, in bytes. Jobs wait while less space is free. */
  readonly diskReserveBytes: number;
  /** Whether the store's reserve for deletions should exist. If so, jobs wait while the reserve is missing. */
  readonly reserveExpected: boolean;
  readonly logLevel: string;
  /** Whether logs are written in a human-readable format. */
  readonly prettyLogs?: boolean;
  /** How telemetry is exported; null if it is not exported. */
  readonly telemetry: TelemetrySettings | null;
  /** The offset from monotonic time to the time of the service. */
  readonly clockOffsetMs: number;
  /** The owner id of this engine's leases: `<pid>:<uuid>`, with the engine's pid. */
  readonly ownerId: string;
}

export type ToEngine =
  | { readonly kind: 'start'; readonly config: EngineConfig }
  | { readonly kind: 'estimate'; readonly id: number; readonly task: EstimateInputs; readonly timeMs: number }
  /** Another model or population is served from now on. */
  | { readonly kind: 'serve'; readonly served: EngineServed }
  /** Load another model, and compare it with the served model. */
  | { readonly kind: 'check_model'; readonly id: number; readonly task: CheckModelTask }
  /** A checked model will not be served, so unload it. */
  | { readonly kind: 'drop_model'; readonly version: string }
  /** Claim no more jobs, because `stop` follows soon. */
  | { readonly kind: 'drain' }
  /** The store's reserve for deletions has been created. From now on, jobs wait whenever it is missing. */
  | { readonly kind: 'reserve_expected' }
  /** The offset of the service's clock has changed. */
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'stop' };

export type FromEngine =
  | { readonly kind: 'ready'; readonly device: string }
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  /** The ids of the jobs and the names of the ranges that the engine is working on now. */
  | { readonly kind: 'working'; readonly on: readonly string[] }
  /** An expansion is ready. */
  | { readonly kind: 'expanded'; readonly timings: Timings }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'estimated'; readonly id: number; readonly outcome: EstimateOutcome }
  | { readonly kind: 'not_estimated'; readonly id: number; readonly error: ThreadError }
  | { readonly kind: 'model_checked'; readonly id: number; readonly check: CheckedModel }
  | { readonly kind: 'model_rejected'; readonly id: number; readonly error: ThreadError };
