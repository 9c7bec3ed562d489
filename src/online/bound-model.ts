/** A model bound to a population: adapts it to campaigns, and scores users with the result. */

import type { Device } from '../../packages/onnx-grad/index.ts';
import { changesOf } from '../model/changes.ts';
import { encodeCustomised } from '../model/customised.ts';
import type { GeneralModel } from '../model/load.ts';
import type { Rows, UserRows } from '../population/read.ts';
import { bind } from './binding.ts';
import { customise } from './customise.ts';
import type { CustomisedModel, CustomiseRequest, OnlineContext, OnlineProgram } from './online-context.ts';
import { ownToken } from './own-token.ts';
import { type BoundRegression, openBoundRegression } from './regression/bound-regression.ts';
import { openScorer, type ScoredCampaign, type Scorer, type Sharing } from './scoring/score.ts';

export interface BoundModelOptions {
  readonly device?: Device;
  /** Cache file of the sums that a population regression needs; without it they are computed each time. */
  readonly regressionCache?: string;
  /** How errors name a user of the population. */
  readonly nameUser?: (userNumber: number) => string;
}

/**
 * A request without `without`: the campaign's own token of past campaigns is found by the external id, and left out.
 */
type OfCampaign<T> = Omit<T, 'without'> & { readonly externalId: string | null };

/**
 * The one way to expand a campaign: the engine's threads use it with users of a population, a test expansion with
 * made-up users.
 */
export class BoundModel<Users extends UserRows = UserRows> {
  readonly context: OnlineContext<GeneralModel, Users>;
  readonly #scorer: Scorer;
  readonly #options: BoundModelOptions;
  /** The regression, opened when the first campaign is adapted. */
  #regression: Promise<BoundRegression | null> | null = null;

  private constructor(context: OnlineContext<GeneralModel, Users>, scorer: Scorer, options: BoundModelOptions) {
    this.context = context;
    this.#scorer = scorer;
    this.#options = options;
  }

  /**
   * The caller still owns the program.
   * @throws AppError invalid_model if the population lacks a feature of the model
   */
  static async open<Users extends UserRows>(
    model: GeneralModel,
    program: OnlineProgram,
    population: Users,
    options: BoundModelOptions = {},
  ): Promise<BoundModel<Users>> {
    const binding = bind(model.folder, population);
    const scorer = await openScorer({ ...model, binding }, options);
    const { nameUser } = options;
    const context = { model, population, binding, program, ...(nameUser ? { nameUser } : {}) };
    return new BoundModel(context, scorer, options);
  }

  /** Rows per run of the scorer. */
  get batchSize(): number {
    return this.#scorer.batchSize;
  }

  /** Returns the customised model, and the bytes of its customised.bin. */
  async customise(
    request: OfCampaign<CustomiseRequest>,
  ): Promise<CustomisedModel & { readonly customised: Uint8Array }> {
    const { model, population } = this.context;
    const without = ownToken(model.folder, request.externalId);
    const context = { ...this.context, regression: await this.#openRegression() };
    const made = await customise(context, { ...request, without, campaign: request.externalId });
    const customised = encodeCustomised({
      modelVersion: model.manifest.version,
      populationVersion: population.version,
      features: request.features,
      leftOut: without,
      changes: changesOf(model.graph.initializers, made.parameters),
    });
    return { ...made, customised };
  }

  /** Scores of the rows, in order. */
  score(
    rows: Rows,
    { externalId, ...campaign }: OfCampaign<ScoredCampaign>,
    sharing: Sharing | null = null,
  ): Promise<Float32Array> {
    const without = ownToken(this.context.model.folder, externalId);
    return this.#scorer.score(rows, { ...campaign, without }, sharing ?? undefined);
  }

  async close(): Promise<void> {
    await this.#scorer.close();
    await (await this.#regression)?.close();
  }

  #openRegression(): Promise<BoundRegression | null> {
    const { device, regressionCache: cache } = this.#options;
    this.#regression ??= openBoundRegression(this.context, {
      ...(device ? { device } : {}),
      ...(cache === undefined ? {} : { cache }),
    }).catch((error: unknown) => {
      // the cause of the failure may be gone at the next attempt
      this.#regression = null;
      throw error;
    });
    return this.#regression;
  }
}
