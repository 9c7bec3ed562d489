/**
 * The inputs and results of the online stage: a model bound to a population, a campaign's request, and the customised
 * model.
 */

import {
  type AdaptationProgram,
  type HeadProgram,
  openAdaptation,
  openHeadProgram,
  type Parameters,
  type SessionOptions,
  type SharedBody,
  type Tensor,
} from '../../packages/onnx-grad/index.ts';
import type { AdaptableModel } from '../model/load.ts';
import { type AdamSettings, type DescentSettings, linearParameters, regressionParameter } from '../model/manifest.ts';
import type { AddedRows, Population, Rows, UserRows } from '../population/read.ts';
import type { Binding } from './binding.ts';
import type { CampaignValues, EncodingOptions } from './encode.ts';
import type { Outside } from './negatives.ts';
import type { Prediction } from './quality/prediction.ts';
import type { QualityReport } from './quality/quality.ts';
import type { FoldRanks, SeedRanks } from './quality/seed-ranks.ts';
import type { BoundRegression } from './regression/bound-regression.ts';

/** A model's training steps, of the kind that its manifest specifies. */
export type OnlineProgram =
  | { readonly kind: 'adam'; readonly steps: AdaptationProgram; readonly settings: AdamSettings }
  | { readonly kind: 'gradient_descent'; readonly steps: HeadProgram; readonly settings: DescentSettings };

/** Differentiates the model and opens its sessions. */
export async function openOnlineProgram(
  {
    graph,
    adapted,
    manifest: { adaptation },
  }: Pick<AdaptableModel, 'graph' | 'adapted'> & { readonly manifest: Pick<AdaptableModel['manifest'], 'adaptation'> },
  { threads = 1, ...options }: SessionOptions = {},
): Promise<OnlineProgram> {
  if (adaptation.optimiser === 'adam')
    return { kind: 'adam', steps: await openAdaptation(graph, adapted, { ...options, threads }), settings: adaptation };
  const regression = regressionParameter(adaptation);
  return {
    kind: 'gradient_descent',
    steps: await openHeadProgram(graph, linearParameters(adaptation), {
      ...options,
      ...(regression === null ? {} : { regression }),
      ...(adaptation.scale ? { scale: adaptation.scale } : {}),
    }),
    settings: adaptation,
  };
}

/** A model bound to a population and ready to be adapted. All campaigns share it. */
export interface OnlineContext<Model extends AdaptableModel = AdaptableModel, Users extends UserRows = Population> {
  readonly model: Model;
  readonly population: Users;
  readonly binding: Binding;
  readonly program: OnlineProgram;
  /** Present if the model has a whole-population regression. */
  readonly regression?: BoundRegression | null;
  /** Returns the name of a user in errors. */
  readonly nameUser?: (userNumber: number) => string;
  /**
   * The parameters with which adaptation starts, for a model in training. By default these are the model's own
   * parameters.
   */
  readonly parameters?: Parameters;
}

/** The part of a context that adaptation needs, for users of any kind. */
export type AnyContext = OnlineContext<AdaptableModel, UserRows>;

export interface CustomiseRequest {
  /** Key of all random numbers of the expansion (see `planKey`). */
  readonly key: string;
  readonly features: CampaignValues;
  /** Seeds, as rows of the population and of `seedRows`, ascending. */
  readonly seeds: Int32Array;
  /** The weight of each seed, with mean 1; absent if all seeds have the same weight. */
  readonly seedWeights?: Float32Array;
  /** Seeds who are not in the population. The model learns from them, but they are never held out or ranked. */
  readonly seedRows?: AddedRows;
  /** Candidates: rows that are neither seeds nor suppressed, ascending; at least one. */
  readonly candidates: Int32Array;
  /** Dismissed candidates, ascending. They are negatives in every step and are not ranked. */
  readonly dismissed?: Int32Array;
  /** Weight of a dismissed user compared with a sampled negative; 1 by default. */
  readonly negativeWeight?: number;
  /**
   * The users outside the filters; present if filters exclude users. The candidates fit the filters. The model learns
   * from seeds that do not fit, but these seeds are not ranked. Negatives are matched to the seeds.
   */
  readonly outside?: Outside | null;
  /**
   * Called during adaptation with the finished share of the steps; after `onParameters`, called with the finished share
   * of the quality report. An exception from the callback ends the work.
   */
  readonly onProgress?: (share: number) => void;
  /**
   * Called with the adapted parameters if they are known before the quality report and the prediction, so that scoring
   * can start earlier.
   */
  readonly onParameters?: (parameters: CustomisedModel['parameters']) => void;
  /**
   * The result of `ownToken` for the campaign. If not null, the token must also be removed from users who are scored
   * with the customised model.
   */
  readonly without?: EncodingOptions['without'];
  /**
   * The campaign's id, if the model may have been trained on the campaign. The campaign is then removed from the priors
   * of the regressions.
   */
  readonly campaign?: string | null;
  /**
   * With gradient descent, the numbers of the folds whose held-out seeds are ranked; by default all folds. If only some
   * folds are ranked, there is no quality report; `reportHeads` makes the report from the ranks of all folds.
   */
  readonly folds?: readonly number[];
  /** With gradient descent: memory in which threads that work on the same request divide the runs of the body. */
  readonly body?: SharedBody;
  /** With gradient descent: called with the rows that the run has read. */
  readonly onRows?: (rows: Rows) => void;
  /** With gradient descent: the rows that another run of the same request has read. By default, they are read. */
  readonly read?: Rows;
  /** Skips the quality report, the prediction, and the runs that only they need. */
  readonly withoutQuality?: boolean;
  /**
   * Rows from which an audience will be cut. Predicted shares refer to these rows. By default these are the candidates,
   * or a sample of them.
   */
  readonly ranked?: Int32Array;
  /** With gradient descent, the number of candidates from which negatives are sampled; `POOL_ROWS` by default. */
  readonly poolRows?: number;
}

export interface CustomisedModel {
  /** The adapted parameters; all other parameters are the general model's. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly epochs: number;
  /** The quality report; null if too few seeds could be held out. */
  readonly quality: QualityReport | null;
  readonly prediction: Prediction | null;
  /** The ranks from which the quality report and the prediction are computed. */
  readonly ranks: SeedRanks | null;
  /** The ranks of the folds that were requested. */
  readonly folds?: readonly FoldRanks[];
}
