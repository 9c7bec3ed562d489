/** A model bound to a population. It adapts the model to campaigns and scores users with the customised models. */

import type { Device } from '../../packages/onnx-grad/index.ts';
import { assert } from '../lib/errors.ts';
import { changesOf } from '../model/changes.ts';
import { encodeCustomised } from '../model/customised.ts';
import type { GeneralModel } from '../model/load.ts';
import { type AddedRows, type Rows, type UserRows, withAddedRows } from '../population/read.ts';
import { bind } from './binding.ts';
import { customise, rankSeedFolds } from './customise.ts';
import type { CustomisedModel, CustomiseRequest, OnlineContext, OnlineProgram } from './online-context.ts';
import { ownToken } from './own-token.ts';
import type { FoldRanks } from './quality/seed-ranks.ts';
import { type BoundRegression, openBoundRegression } from './regression/bound-regression.ts';
import { openScorer, type ScoredCampaign, type Scorer, type Sharing, type UserSides } from './scoring/score.ts';
import type { UserSide } from './user-side/user-side.ts';

export interface BoundModelOptions {
  readonly device?: Device;
  /** Whether to use user sides, if the model allows it. Default: true. */
  readonly withUserSide?: boolean;
  /** Cache file for the sums that a population regression needs. Without this file, each process computes the sums. */
  readonly regressionCache?: string;
  /** Returns the name of a user in errors. */
  readonly nameUser?: (userNumber: number) => string;
}

/**
 * A request without the property `without`, because `BoundModel` itself looks up the campaign's own past-campaigns
 * token by the external id and leaves this token out.
 */
type OfCampaign<T> = Omit<T, 'without'> & { readonly externalId: string | null };

/**
 * Expands campaigns. All expansions use this class. The engine's threads use it for users of a population, and test
 * expansions use it for made-up users.
 */
export class BoundModel<Users extends UserRows = UserRows> {
  readonly context: OnlineContext<GeneralModel, Users>;
  readonly #scorer: Scorer;
  readonly #options: BoundModelOptions;
  /** The regression, which is opened when the first campaign is adapted. */
  #regression: Promise<BoundRegression | null> | null = null;

  private constructor(context: OnlineContext<GeneralModel, Users>, scorer: Scorer, options: BoundModelOptions) {
    this.context = context;
    this.#scorer = scorer;
    this.#options = options;
  }

  /**
   * Binds the model of `program` to a population. The caller still owns the program.
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

  /** Number of rows that the scorer runs at once. */
  get batchSize(): number {
    return this.#scorer.batchSize;
  }

  /** Makes user sides and scores with them; null if the model has no user side. */
  get userSides(): UserSides | null {
    return this.#scorer.userSides;
  }

  /** Whether the scores of the campaign can be computed from stored user sides, in which no token is left out. */
  usesStored(externalId: string | null): boolean {
    return this.#scorer.userSides !== null && ownToken(this.context.model.folder, externalId) === null;
  }

  /**
   * Returns the scores of the rows of a stored user side, equal to those of `score`. `rows` reads the rows if an error
   * has to be explained.
   */
  scoreUserSide(side: UserSide, campaign: ScoredCampaign, rows: () => Rows): Promise<Float32Array> {
    const { userSides } = this.#scorer;
    assert(userSides, 'the model has a user side');
    return userSides.score(side, campaign, rows);
  }

  /**
   * Returns the customised model and the bytes of its customised.bin. `onCustomised` receives these bytes together with
   * the parameters, if they are known before the quality report and the prediction.
   */
  async customise({
    onCustomised,
    ...request
  }: OfCampaign<CustomiseRequest> & {
    readonly onCustomised?: ((parameters: CustomisedModel['parameters'], customised: Uint8Array) => void) | undefined;
  }): Promise<CustomisedModel & { readonly customised: Uint8Array }> {
    const { model, population } = this.context;
    const without = ownToken(model.folder, request.externalId);
    const encode = (parameters: CustomisedModel['parameters']) =>
      encodeCustomised({
        modelVersion: model.manifest.version,
        populationVersion: population.version,
        features: request.features,
        leftOut: without,
        changes: changesOf(model.graph.initializers, parameters),
      });
    const onParameters =
      onCustomised === undefined
        ? request.onParameters
        : (parameters: CustomisedModel['parameters']) => onCustomised(parameters, encode(parameters));
    const made = await customise(await this.#online(request.seedRows), {
      ...request,
      without,
      campaign: request.externalId,
      ...(onParameters && { onParameters }),
    });
    return { ...made, customised: encode(made.parameters) };
  }

  /** Ranks the held-out seeds of the requested folds, without a customised model. */
  async rankFolds(request: OfCampaign<CustomiseRequest>): Promise<readonly FoldRanks[]> {
    const without = ownToken(this.context.model.folder, request.externalId);
    return rankSeedFolds(await this.#online(request.seedRows), { ...request, without, campaign: request.externalId });
  }

  /** Returns the scores of the rows, in the order of the rows. */
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

  async #online(seedRows: AddedRows | undefined): Promise<OnlineContext<GeneralModel, UserRows>> {
    const { population } = this.context;
    const users = seedRows ? withAddedRows(population, seedRows) : population;
    return { ...this.context, population: users, regression: await this.#openRegression() };
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
