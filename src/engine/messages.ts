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

/** A model that loaded, reproduced its golden batch, fits the population and expanded the campaigns. */
export interface CheckedModel {
  readonly populationVersion: string;
  readonly comparisons: readonly ShadowComparison[];
}

/** What an engine serves: expansions whose first attempt begins pin these versions. It is replaced whole. */
export interface EngineServed {
  /** Of the service's `Served`. */
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
  /** Folder of other models by version: expansions that began with one end with it. */
  readonly models: string;
  /** Folder of all versions of the population. */
  readonly population: string;
  readonly device: string;
  readonly threads: number;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  /** Milliseconds of work from which a stop keeps what an expansion has done. */
  readonly keptWorkMs: number;
  /** Jobs wait while the store has less room than this. */
  readonly diskReserveBytes: number;
  /** Jobs wait while the store's reserve for deletions, which was there, is not. */
  readonly reserveExpected: boolean;
  readonly logLevel: string;
  /** Log in lines for people. */
  readonly prettyLogs?: boolean;
  /** How telemetry is exported; null: not at all. */
  readonly telemetry: TelemetrySettings | null;
  /** What makes monotonic time the time of the service. */
  readonly clockOffsetMs: number;
  /** Identifies this engine's leases: `<pid>:<uuid>` with its own pid in front. */
  readonly ownerId: string;
}

export type ToEngine =
  | { readonly kind: 'start'; readonly config: EngineConfig }
  | { readonly kind: 'estimate'; readonly id: number; readonly task: EstimateInputs; readonly timeMs: number }
  /** Another model or population is served from now on. */
  | { readonly kind: 'serve'; readonly served: EngineServed }
  /** A model is loaded beside the served one, and compared with it. */
  | { readonly kind: 'check_model'; readonly id: number; readonly task: CheckModelTask }
  /** A checked model is not going to be served. */
  | { readonly kind: 'drop_model'; readonly version: string }
  /** No job is claimed any more: `stop` comes soon. */
  | { readonly kind: 'drain' }
  /** The store's reserve for deletions is there: from now on jobs wait while it is not. */
  | { readonly kind: 'reserve_expected' }
  /** The time of the service is another one from now on. */
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
