/** A thread of the engine: adapts and scores with its own ONNX Runtime sessions, one task at a time. */
import { assert } from '../lib/errors.ts';
import { type Host, hostThread, type TaskContext } from '../lib/thread-host.ts';
import { applyChanges, changesOf } from '../model/changes.ts';
import { decodeCustomised, encodeCustomised } from '../model/customised.ts';
import { type GeneralModel, loadModel } from '../model/load.ts';
import { bind } from '../online/binding.ts';
import { type BoundRegression, openBoundRegression } from '../online/bound-regression.ts';
import { customise, type OnlineContext, type OnlineProgram, openOnlineProgram } from '../online/customise.ts';
import { ownToken } from '../online/own-token.ts';
import { regressionCache } from '../online/regression-cache.ts';
import { openScorer, type Scorer } from '../online/score.ts';
import { openPopulation } from '../population/population.ts';
import { SegmentMemory } from '../population/segment-memory.ts';
import { type Device, type DeviceRequest, resolveDevice } from '../runtime/session.ts';
import type {
  CustomiseProgress,
  CustomiseResult,
  CustomiseTask,
  RestoreResult,
  RestoreTask,
  ScoreResult,
  ScoreTask,
  SharedTensor,
  Task,
  Tensor,
  ThreadResult,
} from './messages.ts';

/** A thread's start data. */
export interface ThreadData {
  readonly model: string;
  readonly population: string;
  readonly device: string;
  /** How many there are: a campaign that is adapted alone may use the processors of all of them. */
  readonly threads: number;
}

interface Bound {
  readonly version: string;
  readonly context: OnlineContext<GeneralModel>;
  readonly scorer: Scorer;
  /** Opened for the first campaign that is adapted in this thread. */
  regression: Promise<BoundRegression | null> | null;
}

class Thread implements Host<Task, ThreadResult, CustomiseProgress> {
  readonly #data: ThreadData;
  readonly #device: Device;
  readonly #model: GeneralModel;
  readonly #program: OnlineProgram;
  readonly #segment = new SegmentMemory();
  #bound: Bound | null = null;
  #parameters: { readonly key: string; readonly values: ReadonlyMap<string, Tensor> } | null = null;

  private constructor(data: ThreadData, device: Device, model: GeneralModel, program: OnlineProgram) {
    this.#data = data;
    this.#device = device;
    this.#model = model;
    this.#program = program;
  }

  static async open(data: ThreadData): Promise<Thread> {
    const device = await resolveDevice(data.device as DeviceRequest);
    const model = await loadModel(data.model, { device });
    return new Thread(data, device, model, await openOnlineProgram(model, { device, threads: data.threads }));
  }

  async run(task: Task, context: TaskContext<CustomiseProgress>): Promise<ThreadResult> {
    context.check();
    if (task.kind === 'customise') return this.#customise(task, context);
    return task.kind === 'restore' ? this.#restore(task) : this.#score(task, context);
  }

  transferred(result: ThreadResult): ArrayBuffer[] {
    const stored = 'customised' in result ? [result.customised] : [];
    const arrays = 'scores' in result ? [result.scores, result.userNumbers] : stored;
    return arrays.map(({ buffer }) => buffer as ArrayBuffer);
  }

  /** Sessions end with the process. */
  close(): void {}

  async #customise(task: CustomiseTask, { check, report }: TaskContext<CustomiseProgress>): Promise<CustomiseResult> {
    const bound = await this.#bind(task.populationVersion);
    const context = { ...bound.context, regression: await this.#regression(bound) };
    const { graph, manifest, folder } = this.#model;
    const without = ownToken(folder, task.externalId);
    let shared: readonly SharedTensor[] | null = null;
    const { parameters, epochs, quality, prediction } = await customise(context, {
      ...task,
      without,
      onParameters: (early) => {
        shared = [...early].map(share);
        report({ parameters: shared });
      },
      onProgress: (share) => {
        check();
        report(share);
      },
    });
    const customised = encodeCustomised({
      modelVersion: manifest.version,
      populationVersion: task.populationVersion,
      features: task.features,
      leftOut: without,
      changes: changesOf(graph.initializers, parameters),
    });
    return {
      parameters: shared ?? [...parameters].map(share),
      customised,
      epochs,
      quality: quality && { ...quality },
      prediction: prediction && { ...prediction },
    };
  }

  /** The bits that the adaptation had: what it changed is stored as it was. */
  #restore({ customised }: RestoreTask): RestoreResult {
    const { graph, adapted, manifest } = this.#model;
    const { changes, modelVersion } = decodeCustomised(customised, 'that a stop kept');
    const all = applyChanges(graph.initializers, changes);
    assert(all && modelVersion === manifest.version, 'what a stop kept is of this model');
    return { parameters: adapted.map((name) => share([name, all.get(name)!])) };
  }

  async #score(task: ScoreTask, { isNearNext }: TaskContext<CustomiseProgress>): Promise<ScoreResult> {
    const { context, scorer } = await this.#bind(task.populationVersion);
    const { modelKey, features } = task;
    if (this.#parameters?.key !== modelKey)
      this.#parameters = { key: modelKey, values: new Map(task.parameters.map(unshare)) };
    const rows = context.population.readSegment(task.segment, this.#segment);
    const without = ownToken(this.#model.folder, task.externalId);
    const scores = await scorer.score(
      rows,
      { features, parameters: this.#parameters.values, without },
      { rows: `${task.populationVersion}/${task.segment}`, isAwaited: isNearNext },
    );
    return { userNumbers: rows.userNumbers.slice(), scores, batchSize: scorer.batchSize };
  }

  #regression(bound: Bound): Promise<BoundRegression | null> {
    const { context } = bound;
    bound.regression ??= openBoundRegression(context, {
      device: this.#device,
      cache: regressionCache(context),
    }).catch((error: unknown) => {
      // the obstacle may be gone at the next attempt
      bound.regression = null;
      throw error;
    });
    return bound.regression;
  }

  /** The model bound to a version of the population; the last one is kept. */
  async #bind(version: string): Promise<Bound> {
    if (this.#bound?.version === version) return this.#bound;
    await this.#bound?.scorer.close();
    await (await this.#bound?.regression)?.close();
    this.#bound = null;
    // a sample of rows is in all segments: a cache would be another copy of the population
    const population = openPopulation(this.#data.population, { version, trusted: true, cacheBytes: 0 });
    const binding = bind(this.#model.folder, population);
    const scorer = await openScorer({ ...this.#model, binding }, { device: this.#device });
    const context: OnlineContext<GeneralModel> = { model: this.#model, population, binding, program: this.#program };
    this.#bound = { version, context, scorer, regression: null };
    return this.#bound;
  }
}

function share([name, { dtype, shape, data }]: [string, Tensor]): SharedTensor {
  const shared = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(shared).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { name, dtype, shape, data: shared };
}

function unshare({ name, dtype, shape, data }: SharedTensor): [string, Tensor] {
  return [name, { dtype, shape, data: new Float32Array(data) }];
}

await hostThread((data: ThreadData) => Thread.open(data));
