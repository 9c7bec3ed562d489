/**
 * A thread of the engine that predicts an audience's quality from its seeds alone. The thread has its own model and
 * sessions.
 */

import { setImmediate } from 'node:timers/promises';
import { CPU } from '../../../packages/onnx-grad/index.ts';
import {
  addSeedRows,
  type FoundRoles,
  findFiltered,
  markErased,
  markUsers,
  RowWeights,
  type Turn,
} from '../../audience/find-roles.ts';
import type { CountedUsers, EstimatedSeed, EstimateInputs } from '../../domain/estimates.ts';
import { sortedFilters } from '../../domain/filters.ts';
import type { SetReader } from '../../domain/ports/expansions.ts';
import type { StoreLocator } from '../../domain/ports/store.ts';
import { assignRoles, countExcluded, findShortfall, MARK } from '../../domain/roles.ts';
import { exclusionsOf } from '../../domain/special-categories.ts';
import { AppError } from '../../lib/errors.ts';
import { createRng, sample } from '../../lib/rng.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { type Host, hostThread, type TaskContext } from '../../lib/threads/thread-host.ts';
import { type GeneralModel, loadModel } from '../../model/load.ts';
import { appErrorOf } from '../../model/onnx-grad.ts';
import { bind } from '../../online/binding.ts';
import { customise } from '../../online/customise.ts';
import { maskBinding } from '../../online/mask.ts';
import { pickWeights, without } from '../../online/negatives.ts';
import { type OnlineContext, openOnlineProgram } from '../../online/online-context.ts';
import { planKey } from '../../online/plan.ts';
import type { Prediction } from '../../online/quality/prediction.ts';
import { openBoundRegression } from '../../online/regression/bound-regression.ts';
import { regressionCache } from '../../online/regression/regression-cache.ts';
import { openPopulation, withAddedRows } from '../../population/read.ts';
import { openStoreFiles } from '../../storage/open-store.ts';
import { decidingRows, learnedSeeds, maskedIn, outsideOf } from './expansion-users.ts';
import { MarkCache } from './mark-cache.ts';

/** The thread's start data: the folders of the model and the population, and the served versions. */
export interface EstimateThreadData {
  readonly model: string;
  readonly modelVersion: string;
  readonly population: string;
  readonly populationVersion: string;
  /** The store that contains the user sets. */
  readonly store: StoreLocator;
}

export interface EstimateResult {
  readonly users: CountedUsers;
  /**
   * The expected quality of an audience; null if there would be no audience because of too few seeds or no candidates.
   */
  readonly expected: {
    readonly prediction: Prediction;
    /** The number of seeds that the prediction is based on. */
    readonly seeds: number;
    /** The number of these seeds that are in the population and fit the filters. */
    readonly fittingSeeds: number;
    readonly candidates: number;
  } | null;
}

/**
 * Number of filters whose marks are cached (one byte per user). For suppression lists, only the marks of the current
 * list are cached.
 */
const KEPT_FILTERS = 8;
const KEPT_LISTS = 1;

class Estimates implements Host<EstimateInputs, EstimateResult, CountedUsers> {
  readonly #context: OnlineContext<GeneralModel>;
  readonly #masked = new Map<SpecialCategory, OnlineContext<GeneralModel>>();
  readonly #sets: SetReader;
  readonly #filtered = new MarkCache(KEPT_FILTERS);
  readonly #suppressed = new MarkCache(KEPT_LISTS);

  constructor(context: OnlineContext<GeneralModel>, sets: SetReader) {
    this.#context = context;
    this.#sets = sets;
  }

  /**
   * Computes an estimate. It depends only on the model, the population version, the features, the filters, and the sets
   * of seeds (with weights), negatives and suppressed users.
   */
  async run(task: EstimateInputs, { check, report }: TaskContext<CountedUsers>): Promise<EstimateResult> {
    const { model, population } = this.#context;
    const { features, filters, category = null, negativeWeight, mostSeeds, mostCandidates } = task;
    check();
    const rows = await this.#findRoles(task, check);
    const { seedRows, candidates, dismissed } = rows;
    const seeds = learnedSeeds(rows);
    const outside = seedRows?.rows.count ?? 0;
    const users = { ...countExcluded(rows), outside, candidates: candidates.length };
    report(users);
    if (findShortfall(rows, population.rowCount, task.minimumSeeds, outside)) return { users, expected: null };
    const key = planKey({
      modelVersion: model.manifest.version,
      populationVersion: population.version,
      features,
      filters,
      negativeWeight,
      masked: maskedIn(population, category, filters),
      ...decidingRows(rows),
    });
    const rng = createRng(key).fork('estimate');
    const chosen = sample(rng.fork('seeds'), seeds, mostSeeds).sort();
    const seedWeights = pickWeights({ ...rows, seeds }, chosen);
    const unfit = outsideOf(rows);
    // sample negatives at the same rate as seeds, so that their ratio is the same as in an expansion
    const sampleNegatives = (all: Int32Array, name: string) =>
      sample(rng.fork(name), all, Math.ceil((all.length * chosen.length) / seeds.length)).sort();

    const ranked = sample(rng.fork('candidates'), without(candidates, dismissed), mostCandidates).sort();
    const context = await this.#contextOf(category);
    const withRows = seedRows ? { ...context, population: withAddedRows(population, seedRows) } : context;
    const { prediction } = await customise(withRows, {
      key,
      features,
      seeds: chosen,
      ...(seedWeights && { seedWeights }),
      ...(seedRows && { seedRows }),
      candidates,
      dismissed: sampleNegatives(dismissed, 'negatives'),
      negativeWeight,
      outside: unfit && {
        ...unfit,
        seeds: without(chosen, without(chosen, unfit.seeds)),
        dismissed: sampleNegatives(unfit.dismissed, 'negatives outside'),
      },
      ranked,
      poolRows: mostCandidates,
      onProgress: check,
    });
    const { fitting_seeds: fittingSeeds } = prediction!;
    return {
      users,
      expected: { prediction: prediction!, seeds: chosen.length, fittingSeeds, candidates: ranked.length },
    };
  }

  /** The context of campaigns in a category. Everything that they must not use is masked. */
  async #contextOf(category: SpecialCategory | null): Promise<OnlineContext<GeneralModel>> {
    const mask = exclusionsOf(this.#context.population, category);
    if (mask === null) return this.#context;
    const known = this.#masked.get(mask.category);
    if (known) return known;
    const { model, population } = this.#context;
    const bound = { model, population, binding: maskBinding(this.#context.binding, mask, population) };
    const cache = regressionCache({ ...bound, mask: bound.binding.mask });
    const regression = await openBoundRegression({ ...bound, maskedCampaigns: mask.campaigns }, { cache });
    const context = { ...this.#context, ...bound, regression };
    this.#masked.set(mask.category, context);
    return context;
  }

  /** Stops the computations of marks that are still running after the last task. */
  async close(): Promise<void> {
    this.#filtered.end();
    this.#suppressed.end();
  }

  /**
   * Returns the same roles as `findRoles` for the same inputs. Expensive marks (a list of millions of users, or filters
   * on a large population) are cached for the next task.
   */
  async #findRoles(task: EstimateInputs, check: () => void): Promise<FoundRoles> {
    const { population } = this.#context;
    const { filters, category = null, suppressionSet: set } = task;
    const inSet =
      set &&
      (await this.#suppressed.get(
        set,
        async (turn) => {
          const marked = new Uint8Array(population.rowCount);
          await markUsers(population, await this.#sets.setBlocks(set), 1, marked, turn);
          return marked;
        },
        check,
      ));
    const key = canonicalJson(sortedFilters(filters));
    const filtered = await this.#filtered.get(key, (turn) => findFiltered(population, filters, turn), check);
    const marked = new Uint8Array(population.rowCount);
    const weights = new RowWeights(population.rowCount);
    for (const [i, row] of task.seeds.entries()) {
      marked[row] = MARK.seed;
      if (task.seedWeights) weights.set(row, task.seedWeights[i]!);
    }
    for (const row of task.negatives) marked[row] = MARK.dismissed;
    for (const row of task.suppressed) marked[row] = MARK.suppressed;
    if (inSet) for (let row = 0; row < inSet.length; row++) if (inSet[row] === 1) marked[row] = MARK.suppressed;
    markErased(population, marked);
    const turn = async () => {
      await setImmediate();
      check();
    };
    const absent = await this.#unsuppressed(task, turn);
    return addSeedRows(population, assignRoles(filtered, marked), { weights, absent, filters, category }, turn);
  }

  /** The seeds outside the population who are not on the installation's suppression list. */
  async #unsuppressed({ absentSeeds, suppressionSet: set }: EstimateInputs, turn: Turn): Promise<EstimatedSeed[]> {
    const left = new Map(absentSeeds.map((seed) => [seed.userId, seed]));
    if (left.size === 0 || set === null) return [...left.values()];
    for (const userIds of await this.#sets.setBlocks(set)) {
      for (const userId of userIds) left.delete(userId);
      await turn();
    }
    return [...left.values()];
  }
}

async function open(data: EstimateThreadData): Promise<Estimates> {
  const model: GeneralModel = await loadModel(data.model, { device: CPU });
  if (model.manifest.version !== data.modelVersion) {
    const { version } = model.manifest;
    throw new AppError(
      'model_unavailable',
      `model ${data.modelVersion} is served, but the model folder now contains ${version}`,
    );
  }
  // a sample of rows spans all segments, so a cache would become another copy of the population
  const population = openPopulation(data.population, { version: data.populationVersion, trusted: true, cacheBytes: 0 });
  const program = await openOnlineProgram(model, { device: CPU });
  const bound = { model, population, binding: bind(model.folder, population) };
  const regression = await openBoundRegression(bound, { cache: regressionCache(bound) });
  return new Estimates({ ...bound, program, regression }, await openStoreFiles(data.store));
}

await hostThread(open, appErrorOf);
