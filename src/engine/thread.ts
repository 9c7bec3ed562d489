/** A thread of the engine, which adapts and scores with its own ONNX Runtime sessions, one task at a time. */

import { createHash } from 'node:crypto';
import type { Device } from '../../packages/onnx-grad/index.ts';
import { type Exclusions, exclusionsOf } from '../domain/special-categories.ts';
import { assert } from '../lib/errors.ts';
import { type Host, hostThread, type TaskContext } from '../lib/threads/thread-host.ts';
import { applyChanges } from '../model/changes.ts';
import { decodeCustomised } from '../model/customised.ts';
import { loadModel, type VerifiedModel } from '../model/load.ts';
import { appErrorOf, openDevice } from '../model/onnx-grad.ts';
import { BoundModel } from '../online/bound-model.ts';
import { type OnlineProgram, openOnlineProgram } from '../online/online-context.ts';
import { regressionCache } from '../online/regression/regression-cache.ts';
import type { UserSides } from '../online/scoring/score.ts';
import { testExpansion } from '../online/test-expansion.ts';
import { UserSideFiles } from '../online/user-side/user-side-files.ts';
import { openPopulation, type Population, type Rows, SegmentMemory } from '../population/read.ts';
import type {
  CustomiseProgress,
  CustomiseResult,
  CustomiseTask,
  PreparedUserSides,
  PrepareUserSidesTask,
  RankResult,
  RankTask,
  RestoreResult,
  RestoreTask,
  ScoreResult,
  ScoreTask,
  SharedTensor,
  Task,
  Tensor,
  ThreadData,
  ThreadResult,
  UserSideResult,
  UserSideTask,
} from './thread-tasks.ts';

class Thread implements Host<Task, ThreadResult, CustomiseProgress> {
  readonly #data: ThreadData;
  readonly #device: Device;
  readonly #model: VerifiedModel;
  readonly #program: OnlineProgram;
  readonly #segment = new SegmentMemory();
  /** The model, bound to the most recently used population version. */
  #bound: BoundModel<Population> | null = null;
  /** The stored user sides of `#bound`; null if the model has none. */
  #stored: UserSideFiles | null = null;
  #parameters: { readonly key: string; readonly values: ReadonlyMap<string, Tensor> } | null = null;

  private constructor(data: ThreadData, device: Device, model: VerifiedModel, program: OnlineProgram) {
    this.#data = data;
    this.#device = device;
    this.#model = model;
    this.#program = program;
  }

  static async open(data: ThreadData): Promise<Thread> {
    const device = await openDevice(data.device);
    const model = await loadModel(data.model, { device });
    return new Thread(data, device, model, await openOnlineProgram(model, { device, threads: data.threads }));
  }

  async run(task: Task, context: TaskContext<CustomiseProgress>): Promise<ThreadResult> {
    context.check();
    switch (task.kind) {
      case 'customise':
        return this.#customise(task, context);
      case 'rank':
        return this.#rank(task, context);
      case 'restore':
        return this.#restore(task);
      case 'score':
        return this.#score(task, context);
      case 'prepare-user-sides':
        return this.#prepareUserSides(task);
      case 'user-side':
        return this.#makeUserSide(task);
      case 'test':
        await testExpansion(this.#model, { device: this.#device, program: this.#program, withoutExport: true });
        return { sha256: sumOfScores(this.#model.golden) };
    }
  }

  transferred(result: ThreadResult): ArrayBuffer[] {
    const stored = 'customised' in result ? [result.customised] : [];
    const arrays = 'scores' in result ? [result.scores, result.userNumbers] : stored;
    return arrays.map(({ buffer }) => buffer as ArrayBuffer);
  }

  /** Does nothing, because sessions end with the process. */
  close(): void {}

  async #customise(task: CustomiseTask, { check, report }: TaskContext<CustomiseProgress>): Promise<CustomiseResult> {
    const bound = await this.#bind(task.populationVersion);
    let shared: readonly SharedTensor[] | null = null;
    const {
      parameters,
      customised,
      epochs,
      quality,
      prediction,
      folds = [],
    } = await bound.customise({
      ...task,
      mask: maskOf(bound, task),
      ...(task.folds && { onRows: (rows) => report({ rows }) }),
      onParameters: (early) => {
        shared = [...early].map(share);
        report({ parameters: shared, customised: null });
      },
      ...(task.isShared && {
        onCustomised: (early, customised) => {
          shared = [...early].map(share);
          report({ parameters: shared, customised });
        },
      }),
      onProgress: (share) => {
        check();
        report(share);
      },
    });
    return {
      parameters: shared ?? [...parameters].map(share),
      customised,
      epochs,
      quality: quality && { ...quality },
      prediction: prediction && { ...prediction },
      folds: task.folds ? folds : [],
    };
  }

  async #rank(task: RankTask, { check }: TaskContext<CustomiseProgress>): Promise<RankResult> {
    const bound = await this.#bind(task.populationVersion);
    return { folds: await bound.rankFolds({ ...task, mask: maskOf(bound, task), onProgress: check }) };
  }

  /**
   * Restores adapted parameters. They are bit-identical to the original parameters, because changes are stored exactly.
   */
  #restore({ customised }: RestoreTask): RestoreResult {
    const { graph, adapted, manifest } = this.#model;
    const { changes, modelVersion } = decodeCustomised(customised, 'of a checkpoint');
    const all = applyChanges(graph.initializers, changes);
    assert(all && modelVersion === manifest.version, 'a checkpoint belongs to this model');
    return { parameters: adapted.map((name) => share([name, all.get(name)!])) };
  }

  async #score(task: ScoreTask, { isNearNext }: TaskContext<CustomiseProgress>): Promise<ScoreResult> {
    const bound = await this.#bind(task.populationVersion);
    const { modelKey, features, externalId } = task;
    if (this.#parameters?.key !== modelKey)
      this.#parameters = { key: modelKey, values: new Map(task.parameters.map(unshare)) };
    const mask = maskOf(bound, task);
    const campaign = { features, externalId, mask, parameters: this.#parameters.values };
    const read = () => bound.context.population.readSegment(task.segment, this.#segment);
    const side = bound.usesStored(campaign) ? await this.#sideOf(task, bound.userSides, read) : null;
    if (side) {
      const scores = await bound.scoreUserSide(side, campaign, read);
      return { userNumbers: side.userNumbers.slice(), scores, batchSize: bound.batchSize };
    }
    const rows = read();
    const scores = await bound.score(rows, campaign, {
      rows: `${task.populationVersion}/${task.segment}`,
      isAwaited: isNearNext,
    });
    return { userNumbers: rows.userNumbers.slice(), scores, batchSize: bound.batchSize };
  }

  /** The stored user side of a segment; null if it is missing and is not to be stored. */
  async #sideOf({ segment, userSideBytes = 0 }: ScoreTask, sides: UserSides | null, read: () => Rows) {
    const stored = this.#stored?.read(segment) ?? null;
    if (stored || !sides || userSideBytes === 0) return stored;
    const side = await sides.make(read());
    try {
      this.#stored?.write(segment, side, userSideBytes);
    } catch {
      // the user side is made again in the background, which reports the error
    }
    return side;
  }

  async #prepareUserSides({ populationVersion, maximumBytes }: PrepareUserSidesTask): Promise<PreparedUserSides> {
    const files = this.#filesOf(await this.#bind(populationVersion));
    return { missing: files?.prepare(maximumBytes) ?? null, names: files?.names ?? [] };
  }

  async #makeUserSide({ populationVersion, segment, maximumBytes }: UserSideTask): Promise<UserSideResult> {
    const bound = await this.#bind(populationVersion);
    const files = this.#filesOf(bound);
    if (files === null || bound.userSides === null) return { bytes: null };
    if (files.has(segment)) return { bytes: 0 };
    const side = await bound.userSides.make(bound.context.population.readSegment(segment, this.#segment));
    return { bytes: files.write(segment, side, maximumBytes) };
  }

  #filesOf(bound: BoundModel<Population>): UserSideFiles | null {
    const { userSides, context } = bound;
    if (userSides === null) return null;
    const { manifest, golden } = this.#model;
    const made = { version: manifest.version, layout: userSides.layout, bits: sumOfScores(golden) };
    return new UserSideFiles(context.population, made);
  }

  /** Returns the model bound to a population version. Only the last bound model is kept. */
  async #bind(version: string): Promise<BoundModel<Population>> {
    if (this.#bound?.context.population.version === version) return this.#bound;
    await this.#bound?.close();
    this.#bound = null;
    // a sample of rows spans all segments, so a cache would become another copy of the population
    const population = openPopulation(this.#data.population, { version, trusted: true, cacheBytes: 0 });
    this.#bound = await BoundModel.open(this.#model, this.#program, population, {
      device: this.#device,
      withUserSide: this.#data.userSides !== false,
      regressionCache: (mask) => regressionCache({ model: this.#model, population, mask }),
      nameUser: (userNumber) =>
        userNumber < 0 ? 'a seed with features' : `user "${population.directory.id(userNumber)}"`,
    });
    this.#stored = this.#filesOf(this.#bound);
    return this.#bound;
  }
}

/** What a task's campaign must not use. */
function maskOf({ context }: BoundModel<Population>, { category }: Pick<ScoreTask, 'category'>): Exclusions | null {
  return exclusionsOf(context.population, category);
}

/** Identifies the bits that this processor computes. */
function sumOfScores({ buffer, byteOffset, byteLength }: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

function share([name, { dtype, shape, data }]: [string, Tensor]): SharedTensor {
  const shared = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(shared).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { name, dtype, shape, data: shared };
}

function unshare({ name, dtype, shape, data }: SharedTensor): [string, Tensor] {
  return [name, { dtype, shape, data: new Float32Array(data) }];
}

await hostThread((data: ThreadData) => Thread.open(data), appErrorOf);
