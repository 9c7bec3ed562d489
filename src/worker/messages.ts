/** Messages from the engine to its threads, and between the API process and the engine. */

import type { EstimateInputs } from '../campaigns/estimates.ts';
import type { StoreLocator } from '../campaigns/ports/store.ts';
import type { Timings } from '../campaigns/run-facts.ts';
import type { ThreadError } from '../lib/thread-error.ts';
import type { CampaignValues } from '../online/encode.ts';
import type { Feeds } from '../runtime/session.ts';
import type { EstimateOutcome } from './estimator.ts';
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

export type Task = CustomiseTask | ScoreTask;

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

export interface ScoreResult {
  readonly userNumbers: Int32Array;
  readonly scores: Float32Array;
  /** Rows per run. */
  readonly batchSize: number;
}

/** Everything an engine needs to know; the API process sends it first. */
export interface EngineConfig {
  readonly store: StoreLocator;
  readonly model: string;
  /** The version that the API process reports: another version in the folder is refused. */
  readonly modelVersion: string;
  readonly population: string;
  readonly populationVersion: string;
  readonly device: string;
  readonly threads: number;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  readonly logLevel: string;
  /** Where telemetry goes; null for nowhere. */
  readonly otlpEndpoint: string | null;
  /** Identifies this engine's leases: `<pid>:<uuid>` with its own pid in front. */
  readonly ownerId: string;
}

export type ToEngine =
  | { readonly kind: 'start'; readonly config: EngineConfig }
  | { readonly kind: 'estimate'; readonly id: number; readonly task: EstimateInputs; readonly timeMs: number }
  /** New expansions pin this version from now on. */
  | { readonly kind: 'population'; readonly version: string }
  | { readonly kind: 'wake' }
  | { readonly kind: 'stop' };

export type FromEngine =
  | { readonly kind: 'ready'; readonly device: string }
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  /** An expansion is ready. */
  | { readonly kind: 'expanded'; readonly timings: Timings }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'estimated'; readonly id: number; readonly outcome: EstimateOutcome }
  | { readonly kind: 'not_estimated'; readonly id: number; readonly error: ThreadError };
