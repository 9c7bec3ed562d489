/** A model bound to a population. It adapts the model to campaigns and scores users with the customised models. */

import type { Device } from '../../packages/onnx-grad/index.ts';
import { assert } from '../lib/errors.ts';
import { changesOf } from '../model/changes.ts';
import { encodeCustomised } from '../model/customised.ts';
import type { GeneralModel } from '../model/load.ts';
import { type AddedRows, type Rows, type UserRows, withAddedRows } from '../population/read.ts';
import { type Binding, bind } from './binding.ts';
import { customise, rankSeedFolds } from './customise.ts';
import { type Mask, maskBinding, maskId } from './mask.ts';
import type { CustomisedModel, CustomiseRequest, OnlineContext, OnlineProgram } from './online-context.ts';
import { ownToken } from './own-token.ts';
import type { FoldRanks } from './quality/seed-ranks.ts';
import { type BoundRegression, openBoundRegression } from './regression/bound-regression.ts';
import { openScorer, type ScoredCampaign, type Scorer, type Sharing, type UserSides } from './scoring/score.ts';
import type { UserSide } from './user-side/user-side-codec.ts';

export interface BoundModelOptions {
  readonly device?: Device;
  /** Whether to use user sides, if the model allows it. Default: true. */
  readonly withUserSide?: boolean;
  /**
   * The cache file for the sums of a population regression, by the id of the binding's mask. Without it, each process
   * computes the sums.
   */
  readonly regressionCache?: (mask: string | undefined) => string;
  /** Returns the name of a user in errors. */
  readonly nameUser?: (userNumber: number) => string;
}

/**
 * A request without the property `without`, because `BoundModel` itself looks up the campaign's own past-campaigns
 * token by the external id and leaves this token out.
 */
type OfCampaign<T> = Omit<T, 'without' | 'binding'> & {
  readonly externalId: string | null;
  /** The values that the campaign must not use. */
  readonly mask?: Mask | null;
};

/**
 * Expands campaigns. All expansions use this class. The engine's threads use it for users of a population, and test
 * expansions use it for made-up users.
 */
export class BoundModel<Users extends UserRows = UserRows> {
  readonly context: OnlineContext<GeneralModel, Users>;
  readonly #scorer: Scorer;
  readonly #options: BoundModelOptions;
  /** Regressions by the id of their binding's mask. Each is opened when the first campaign needs it. */
  readonly #regressions = new Map<string | undefined, Promise<BoundRegression | null>>();
  /** Masked bindings by the id of their mask. There are at most as many as special categories. */
  readonly #bindings = new Map<string, Binding>();

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

  /** Whether the campaign can be scored with stored user sides, which leave nothing out. */
  usesStored({ externalId, mask = null }: Pick<OfCampaign<ScoredCampaign>, 'externalId' | 'mask'>): boolean {
    const isWhole = mask === null && ownToken(this.context.model.folder, externalId) === null;
    return isWhole && this.#scorer.userSides !== null;
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
    mask = null,
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
    const made = await customise(await this.#online(mask, request.seedRows), {
      ...request,
      without,
      campaign: request.externalId,
      ...(onParameters && { onParameters }),
    });
    return { ...made, customised: encode(made.parameters) };
  }

  /** Ranks the held-out seeds of the requested folds, without a customised model. */
  async rankFolds({ mask = null, ...request }: OfCampaign<CustomiseRequest>): Promise<readonly FoldRanks[]> {
    const without = ownToken(this.context.model.folder, request.externalId);
    const online = await this.#online(mask, request.seedRows);
    return rankSeedFolds(online, { ...request, without, campaign: request.externalId });
  }

  /** Returns the scores of the rows, in the order of the rows. */
  score(
    rows: Rows,
    { externalId, mask = null, ...campaign }: OfCampaign<ScoredCampaign>,
    sharing: Sharing | null = null,
  ): Promise<Float32Array> {
    const without = ownToken(this.context.model.folder, externalId);
    const binding = mask && { binding: this.#bindingOf(mask) };
    return this.#scorer.score(rows, { ...campaign, without, ...binding }, sharing ?? undefined);
  }

  async close(): Promise<void> {
    await this.#scorer.close();
    for (const regression of this.#regressions.values()) await (await regression)?.close();
  }

  async #online(mask: Mask | null, seedRows: AddedRows | undefined): Promise<OnlineContext<GeneralModel, UserRows>> {
    const { population } = this.context;
    const context = mask === null ? this.context : { ...this.context, binding: this.#bindingOf(mask) };
    const users = seedRows ? withAddedRows(population, seedRows) : population;
    return { ...context, population: users, regression: await this.#openRegression(context, mask) };
  }

  #bindingOf(mask: Mask): Binding {
    const id = maskId(mask);
    const binding = this.#bindings.get(id) ?? maskBinding(this.context.binding, mask, this.context.population);
    this.#bindings.set(id, binding);
    return binding;
  }

  #openRegression(context: OnlineContext<GeneralModel, Users>, mask: Mask | null): Promise<BoundRegression | null> {
    const { device, regressionCache } = this.#options;
    const { mask: id } = context.binding;
    const opened =
      this.#regressions.get(id) ??
      openBoundRegression(
        { ...context, ...(mask && { maskedCampaigns: mask.campaigns }) },
        { ...(device ? { device } : {}), ...(regressionCache ? { cache: regressionCache(id) } : {}) },
      ).catch((error: unknown) => {
        // the next attempt may succeed
        this.#regressions.delete(id);
        throw error;
      });
    this.#regressions.set(id, opened);
    return opened;
  }
}
