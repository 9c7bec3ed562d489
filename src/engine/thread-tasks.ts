/** The tasks of engine threads, their progress and their results. */

import type { Feeds, SharedBody } from '../../packages/onnx-grad/index.ts';
import type { SpecialCategory } from '../lib/special-categories.ts';
import type { CampaignValues } from '../online/encode.ts';
import type { Outside } from '../online/negatives.ts';
import type { FoldRanks } from '../online/quality/seed-ranks.ts';
import type { AddedRows, Rows } from '../population/read.ts';

/** A thread's start data. */
export interface ThreadData {
  readonly model: string;
  readonly population: string;
  readonly device: string;
  /** Whether results that depend only on users are computed separately. Default: true. */
  readonly userSides?: boolean;
  /** Number of threads. A campaign that is adapted alone may use the processors of all threads. */
  readonly threads: number;
}

/** A tensor in the memory of one thread. */
export type Tensor = Feeds[string];

/**
 * A parameter in shared memory, which is passed to threads without a copy. A thread copies the parameter before it runs
 * ONNX Runtime, which does not accept shared memory.
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
  /** The campaign's external id. Adaptation and scoring leave out this campaign's own past-campaigns token. */
  readonly externalId: string | null;
  /** The campaign's category, which excludes user features; null if there is none. */
  readonly category: SpecialCategory | null;
  /** Rows of users by role, ascending. */
  readonly seeds: Int32Array;
  /** As in `CustomiseRequest`. */
  readonly seedWeights?: Float32Array;
  readonly seedRows?: AddedRows;
  readonly candidates: Int32Array;
  readonly dismissed: Int32Array;
  readonly negativeWeight: number;
  /** The users whom the filters exclude; set only if the filters exclude users. */
  readonly outside?: Outside | null;
  /** The folds whose held-out seeds this thread ranks; all by default. */
  readonly folds?: readonly number[];
  /** Memory in which threads that work on the same campaign divide the runs of the body. */
  readonly body?: SharedBody;
  /** Whether the bytes of customised.bin are reported with the parameters, so that other engines can score too. */
  readonly isShared?: boolean;
}

/** Ranks the held-out seeds in some folds of a campaign that another thread adapts. */
export type RankTask = Omit<CustomiseTask, 'kind'> & { readonly kind: 'rank'; readonly read: Rows };

export interface ScoreTask {
  readonly kind: 'score';
  readonly populationVersion: string;
  /** A key that is the same for all tasks of one customised model. */
  readonly modelKey: string;
  readonly features: CampaignValues;
  readonly externalId: string | null;
  readonly category: SpecialCategory | null;
  readonly parameters: readonly SharedTensor[];
  readonly segment: number;
  /**
   * Maximum size of all user sides of the population, if the user side of this segment is to be stored in case it has
   * to be made. Default: 0, which stores none.
   */
  readonly userSideBytes?: number;
}

/** The task of restoring the parameters of a customised model. */
export interface RestoreTask {
  readonly kind: 'restore';
  /** The bytes of customised.bin. */
  readonly customised: Uint8Array;
}

/** Finds the segments whose user sides are not stored, after linking and removing files. */
export interface PrepareUserSidesTask {
  readonly kind: 'prepare-user-sides';
  readonly populationVersion: string;
  /** Maximum size of all user sides of the population. */
  readonly maximumBytes: number;
}

/** Makes and stores the user side of a segment, unless it is already stored. */
export interface UserSideTask {
  readonly kind: 'user-side';
  readonly populationVersion: string;
  readonly segment: number;
  /** Maximum size of all user sides of the population. */
  readonly maximumBytes: number;
}

/** Expands a campaign of made-up users, and says what this processor computes for the golden batch. */
export interface TestTask {
  readonly kind: 'test';
}

export interface TestResult {
  /** The sha256 of the bytes of the scores, in hex. Processors with different instruction sets round differently. */
  readonly sha256: string;
}

export type Task = CustomiseTask | RankTask | ScoreTask | RestoreTask | PrepareUserSidesTask | UserSideTask | TestTask;

/**
 * The progress of an adaptation: the finished share, the rows that it has read (if it ranks only some folds), or the
 * parameters, with which scoring can start.
 */
export type CustomiseProgress = number | { readonly rows: Rows } | AdaptedParameters;

export interface AdaptedParameters {
  readonly parameters: readonly SharedTensor[];
  /** The bytes of customised.bin; null unless the task asked for them. */
  readonly customised: Uint8Array | null;
}

export interface CustomiseResult {
  readonly parameters: readonly SharedTensor[];
  /** The bytes of customised.bin. */
  readonly customised: Uint8Array;
  readonly epochs: number;
  readonly quality: Readonly<Record<string, unknown>> | null;
  readonly prediction: Readonly<Record<string, unknown>> | null;
  /**
   * The prediction for a model that uses all features, from the same held-out seeds. Present only if the campaign has a
   * category.
   */
  readonly unmasked?: Readonly<Record<string, unknown>> | null | undefined;
  /** The ranks of the requested folds; empty if the thread made the quality report itself. */
  readonly folds: readonly FoldRanks[];
}

export interface RankResult {
  readonly folds: readonly FoldRanks[];
}

/** The part of a customised model that is stored once the users are scored. */
export type StoredCustomised = Omit<CustomiseResult, 'parameters' | 'folds'>;

export interface RestoreResult {
  readonly parameters: readonly SharedTensor[];
}

export interface ScoreResult {
  readonly userNumbers: Int32Array;
  readonly scores: Float32Array;
  /** Number of rows per run of the model. */
  readonly batchSize: number;
}

export interface PreparedUserSides {
  /** Segments whose user sides are not stored; null if the model has no user side. */
  readonly missing: readonly number[] | null;
  /** The names of the files of all segments, relative to the version's folder. */
  readonly names: readonly string[];
}

export interface UserSideResult {
  /**
   * Number of bytes written; 0 if the file already existed; null if no file was stored, because the model has no user
   * side or all files together would be too large.
   */
  readonly bytes: number | null;
}

export type ThreadResult =
  | CustomiseResult
  | RankResult
  | RestoreResult
  | ScoreResult
  | PreparedUserSides
  | UserSideResult
  | TestResult;
