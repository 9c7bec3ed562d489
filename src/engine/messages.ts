/** Messages from the engine to its threads, and between the API process and the engine. */

import type { Feeds } from '../../packages/onnx-grad/index.ts';
import type { EstimateInputs } from '../domain/estimates.ts';
import type { StoreLocator } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { Job } from '../domain/types.ts';
import type { ThreadError } from '../lib/threads/thread-error.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { CampaignValues } from '../online/encode.ts';
import type { Outside } from '../online/negatives.ts';
import type { TestExpansion } from '../online/test-expansion.ts';
import type { EstimateOutcome } from './expansion/estimator.ts';
import type { ShadowComparison } from './expansion/shadow.ts';
import type { Heartbeat } from './heartbeat.ts';

/** A tensor in memory of one thread. */
export type Tensor = Feeds[string];

/**
 * A parameter in shared memory: passed without a copy; a thread copies it before running ONNX Runtime, which does not
 * accept shared memory.
 */
export interface SharedTensor {
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  readonly data: SharedArrayBuffer;
}

export interface CustomiseTask {
  readonly kind: 'customise';
  readonly populationVersion: string;
  readonly key: string;
  readonly features: CampaignValues;
  /** The caller's id of the campaign: its own token of past campaigns is left out, in scoring too. */
  readonly externalId: string | null;
  /** Rows, ascending. */
  readonly seeds: Int32Array;
  readonly candidates: Int32Array;
  readonly dismissed: Int32Array;
  /** Where filters exclude users. */
  readonly outside?: Outside | null;
}

export interface ScoreTask {
  readonly kind: 'score';
  readonly populationVersion: string;
  /** Tasks of one customised model share it. */
  readonly modelKey: string;
  readonly features: CampaignValues;
  readonly externalId: string | null;
  readonly parameters: readonly SharedTensor[];
  readonly segment: number;
}

/** Makes the parameters of a model that was customised before. */
export interface RestoreTask {
  readonly kind: 'restore';
  /** The bytes of customised.bin. */
  readonly customised: Uint8Array;
}

/** Expands a campaign of made-up users: nothing is kept. */
export interface TestTask {
  readonly kind: 'test';
}

export type Task = CustomiseTask | ScoreTask | RestoreTask | TestTask;

/** Told as an adaptation goes: the share of it that is done, or the parameters, with which scoring can start. */
export type CustomiseProgress = number | { readonly parameters: readonly SharedTensor[] };

export interface CustomiseResult {
  readonly parameters: readonly SharedTensor[];
  /** The stored part: the bytes of customised.bin. */
  readonly customised: Uint8Array;
  readonly epochs: number;
  readonly quality: Readonly<Record<string, unknown>> | null;
  readonly prediction: Readonly<Record<string, unknown>> | null;
}

/** What is left of a customised model when its users are scored. */
export type StoredCustomised = Omit<CustomiseResult, 'parameters'>;

export interface RestoreResult {
  readonly parameters: readonly SharedTensor[];
}

export interface ScoreResult {
  readonly userNumbers: Int32Array;
  readonly scores: Float32Array;
  /** Rows per run. */
  readonly batchSize: number;
}

export type ThreadResult = CustomiseResult | RestoreResult | ScoreResult | TestExpansion;

/** A campaign that both models expand, the checked one and the served one, for comparison. */
export type ShadowCampaign = Pick<Job, 'campaignId' | 'externalId' | 'features' | 'filters' | 'sets'>;

export interface CheckModelTask {
  readonly version: string;
  readonly folder: string;
  readonly campaigns: readonly ShadowCampaign[];
}

/** A model that loaded, reproduced its golden batch, fits the population and expanded the campaigns. */
export interface CheckedModel {
  readonly populationVersion: string;
  readonly comparisons: readonly ShadowComparison[];
}

/** Everything an engine needs to know; the API process sends it first. */
export interface EngineConfig {
  readonly store: StoreLocator;
  readonly model: string;
  /** The version that the API process reports: another version in the folder is refused. */
  readonly modelVersion: string;
  /** Folder of other models by version: expansions that began with one end with it. */
  readonly models: string;
  readonly population: string;
  readonly populationVersion: string;
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
  /** New expansions pin this version from now on. */
  | { readonly kind: 'population'; readonly version: string }
  /** A model is loaded beside the served one, and compared with it. */
  | { readonly kind: 'check_model'; readonly id: number; readonly task: CheckModelTask }
  /** New expansions pin this model from now on, which lies in the folder. */
  | { readonly kind: 'model'; readonly version: string; readonly folder: string }
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
