/**
 * Runs learners: either one in this thread, or one in each of several threads. Results do not depend on the number of
 * threads.
 */
import {
  type Device,
  type Graph,
  type Parameters,
  type Tensor,
  trainableParameters,
} from '../../../packages/onnx-grad/index.ts';
import { ThreadGroup, type ThreadModule } from '../../lib/threads/thread-group.ts';
import type { CampaignWeights } from '../choices/campaign-weights.ts';
import type { DriftPair } from '../choices/drift.ts';
import type { TrialLogits } from '../choices/head-trials.ts';
import type { CampaignTrials } from '../choices/trial.ts';
import type { RankingQuality } from '../evaluation/metrics.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { type TrainSettings, VALIDATION_CAMPAIGNS } from '../settings.ts';
import type { InitialModel } from './initial-model.ts';
import { type LearnerData, type LearnerResult, type LearnerWork, openLearner, type Task } from './learner.ts';
import type { LearnerTask, LearnerThreadData } from './learner-thread.ts';
import type { MetaGradient } from './meta-step.ts';

/** Runs tasks and trials on all learners. Results are in the order of the requests. Calls must not overlap. */
export interface Learners {
  gradients(parameters: Parameters, tasks: readonly Task[]): Promise<MetaGradient[]>;
  /**
   * Adapts `parameters` to the seeds of each campaign's trials, as the service would, and measures the quality. Results
   * are by campaign, then by settings, then by trial.
   */
  evaluate(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<RankingQuality[][][]>;
  /** Returns the logits of all parts of the blend in the campaign's first settings, by campaign and trial. */
  logits(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<TrialLogits[][]>;
  /** Returns predictions and true values by campaign and trial, as in `Learner.predict`. */
  predict(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<(DriftPair | null)[][]>;
  close(): Promise<void>;
}

export interface LearnersOptions {
  readonly settings: TrainSettings;
  readonly device: Device;
  /** Regressions on past campaigns, which are the priors of the model. */
  readonly weights?: readonly CampaignWeights[];
  /**
   * Number of threads. With 1, all work is done in this thread. The number of threads is limited to the number of tasks
   * in a step or of campaigns in a validation, whichever is greater.
   */
  readonly threads: number;
}

/** Runs work with the given parameters. Results are in the order of the work. */
interface Runner {
  run(parameters: Parameters, work: readonly LearnerWork[]): Promise<LearnerResult[]>;
  close(): Promise<void>;
}

export async function openLearners(
  { population, hidden }: Pick<PreparedDataSet, 'population' | 'hidden'>,
  initialModel: InitialModel,
  { threads, ...options }: LearnersOptions,
): Promise<Learners> {
  const data = { population, ...(hidden ? { hidden } : {}), initialModel, ...options };
  const count = Math.min(threads, Math.max(options.settings.taskCount, VALIDATION_CAMPAIGNS));
  const { run, close } = count > 1 ? await openThreadRunner(data, count) : openRunner(data);
  /** Returns results by campaign. All results of one kind have the same type. */
  const each = async <R extends LearnerResult>(
    kind: 'trials' | 'logits' | 'predictions',
    parameters: Parameters,
    campaignTrials: readonly CampaignTrials[],
  ): Promise<R[]> => {
    const work = campaignTrials.map((trials) => ({ kind, trials }));
    return (await run(parameters, work)) as R[];
  };
  return {
    async gradients(parameters, tasks) {
      const work = tasks.map((task) => ({ kind: 'gradient', task }) as const);
      return (await run(parameters, work)) as MetaGradient[];
    },
    evaluate: (parameters, campaignTrials) => each('trials', parameters, campaignTrials),
    logits: (parameters, campaignTrials) => each('logits', parameters, campaignTrials),
    predict: (parameters, campaignTrials) => each('predictions', parameters, campaignTrials),
    close,
  };
}

/** Runs work in this thread. */
function openRunner(data: LearnerData): Runner {
  const learner = openLearner(data);
  return {
    async run(parameters, work) {
      const out: LearnerResult[] = [];
      for (const one of work) out.push(await learner.run(parameters, one));
      return out;
    },
    close: () => learner.close(),
  };
}

/** Runs work in several threads. Parameters are in shared memory, and results come back as messages. */
async function openThreadRunner({ population, initialModel, ...rest }: LearnerData, count: number): Promise<Runner> {
  const { graph, folder, tokens } = initialModel;
  const { initializers, set } = shareParameters(graph);
  const data: LearnerThreadData = {
    ...rest,
    population: { path: population.path, version: population.version },
    initialModel: { name: rest.settings.name, graph: { ...graph, initializers }, manifest: folder.manifest, tokens },
  };
  const all = await openThreads({ beside: import.meta.url, name: 'learner-thread', data }, count);
  let state = 0;
  return {
    run(parameters, work) {
      // no thread is reading, because the previous call has ended
      if (set(parameters)) state += 1;
      return runAll(all, work, state);
    },
    async close() {
      await Promise.all(all.map(({ group }) => group.close()));
    },
  };
}

/**
 * Copies the graph's parameters to shared memory. `set` writes new values there, and returns false if the values are
 * there already.
 */
function shareParameters(graph: Graph): {
  readonly initializers: ReadonlyMap<string, Tensor>;
  set(parameters: Parameters): boolean;
} {
  const initializers = new Map(graph.initializers);
  const shared = new Map<string, Float32Array>();
  for (const name of trainableParameters(graph)) {
    const { data, ...type } = initializers.get(name)!;
    const memory = new Float32Array(new SharedArrayBuffer(data.byteLength));
    shared.set(name, memory);
    initializers.set(name, { ...type, data: memory });
  }
  let isSet = false;
  return {
    initializers,
    set(parameters) {
      const values = (name: string) => (parameters.get(name) as Tensor).data as Float32Array;
      if (isSet && [...shared].every(([name, memory]) => isEqual(memory, values(name)))) return false;
      for (const [name, memory] of shared) memory.set(values(name));
      isSet = true;
      return true;
    },
  };
}

/** A thread, and the campaigns whose trials may be in its cache. */
interface Thread {
  readonly group: ThreadGroup<LearnerTask, LearnerResult>;
  readonly campaigns: Set<string>;
}

async function openThreads(module: ThreadModule, count: number): Promise<Thread[]> {
  const opening = Array.from({ length: count }, () => ThreadGroup.open<LearnerTask, LearnerResult>(module, 1));
  const opened = await Promise.allSettled(opening);
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await Promise.all(opened.map((one) => one.status === 'fulfilled' && one.value.close()));
    throw failed.reason;
  }
  return Promise.all(opening.map(async (group) => ({ group: await group, campaigns: new Set<string>() })));
}

/**
 * Runs the work and returns the results in its order. A campaign's trials go to the thread that had them before, unless
 * another thread would be idle otherwise. The promise settles when all threads have finished or failed, and rejects
 * with the first error in the order of the threads.
 */
async function runAll(
  threads: readonly Thread[],
  work: readonly LearnerWork[],
  state: number,
): Promise<LearnerResult[]> {
  const out: LearnerResult[] = [];
  // start the longest tasks first, so that no thread finishes long after the others
  const left = [...work.keys()].sort((a, b) => rowsOf(work[b]!) - rowsOf(work[a]!));
  const keyOf = (i: number): string | null => {
    const one = work[i]!;
    return one.kind === 'gradient' ? null : one.trials.key;
  };
  const isOf = ({ campaigns }: Thread, i: number): boolean => campaigns.has(keyOf(i) ?? '');
  const isNew = (i: number): boolean => !threads.some((thread) => isOf(thread, i));
  const ended = threads.map(async (thread) => {
    while (left.length > 0) {
      const own = left.findIndex((i) => isOf(thread, i));
      // otherwise take a campaign that no thread has had, or else the last campaign left, because each thread takes the
      // first of its own campaigns
      const [next] = left.splice(own !== -1 ? own : left.findIndex(isNew), 1);
      const key = keyOf(next!);
      if (key !== null && isNew(next!)) thread.campaigns.add(key);
      out[next!] = await thread.group.run({ ...work[next!]!, state });
    }
  });
  await Promise.allSettled(ended);
  await Promise.all(ended);
  return out;
}

function isEqual(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}

/** The number of rows of a gradient's task; 0 for trials. */
function rowsOf(work: LearnerWork): number {
  return work.kind === 'gradient' ? work.task.support.users.length + work.task.query.users.length : 0;
}
