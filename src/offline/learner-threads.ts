/** Learners in separate threads: parameters are passed in shared memory, results come back as messages. */

import type { Parameters } from '../adaptation/compaction.ts';
import { type Tensor, trainableParameters } from '../graph/index.ts';
import { ThreadGroup } from '../lib/thread-group.ts';
import type { InitialModel } from './initial-model.ts';
import type { CampaignTrials, LearnerData, Task } from './learner.ts';
import type { LearnerResult, LearnerTask, LearnerThreadData, LearnerWork } from './learner-thread.ts';
import type { Learners, LearnersOptions } from './learners.ts';
import type { MetaGradient } from './meta-step.ts';

export async function openLearnerThreads(
  { population, hidden }: Pick<LearnerData, 'population' | 'hidden'>,
  initialModel: InitialModel,
  { settings, device, threads }: LearnersOptions,
): Promise<Learners> {
  const { graph, folder, tokens } = initialModel;
  const initializers = new Map(graph.initializers);
  const shared = new Map<string, Float32Array>();
  for (const name of trainableParameters(graph)) {
    const { data, ...type } = initializers.get(name)!;
    const memory = new Float32Array(new SharedArrayBuffer(data.byteLength));
    shared.set(name, memory);
    initializers.set(name, { ...type, data: memory });
  }
  const data: LearnerThreadData = {
    population: { path: population.path, version: population.version },
    ...(hidden ? { hidden } : {}),
    initialModel: { name: settings.name, graph: { ...graph, initializers }, manifest: folder.manifest, tokens },
    settings,
    device,
  };
  const module = { beside: import.meta.url, name: 'learner-thread', data };
  const group = await ThreadGroup.open<LearnerTask, LearnerResult>(module, threads);
  let state = 0;
  const run = (parameters: Parameters, work: readonly LearnerWork[]): Promise<LearnerResult[]> => {
    // nobody is reading, as the previous call is over
    for (const [name, memory] of shared) memory.set((parameters.get(name) as Tensor).data as Float32Array);
    state += 1;
    return group.runAll(work.map((one) => ({ ...one, state })));
  };
  /** Results by campaign; those of a kind are of one type. */
  const each = async <R extends LearnerResult>(
    kind: 'trials' | 'logits' | 'predictions',
    parameters: Parameters,
    campaignTrials: readonly CampaignTrials[],
  ): Promise<R[]> =>
    (await run(
      parameters,
      campaignTrials.map((trials) => ({ kind, trials })),
    )) as R[];
  return {
    async gradients(parameters, tasks) {
      // the longest first, so that no thread finishes long after the others
      const order = [...tasks.keys()].sort((a, b) => rowsOf(tasks[b]!) - rowsOf(tasks[a]!));
      const results = await run(
        parameters,
        order.map((i) => ({ kind: 'gradient', task: tasks[i]! })),
      );
      const out: MetaGradient[] = [];
      for (const [place, i] of order.entries()) out[i] = results[place] as MetaGradient;
      return out;
    },
    evaluate: (parameters, campaignTrials) => each('trials', parameters, campaignTrials),
    logits: (parameters, campaignTrials) => each('logits', parameters, campaignTrials),
    predict: (parameters, campaignTrials) => each('predictions', parameters, campaignTrials),
    close: () => group.close(),
  };
}

function rowsOf({ support, query }: Task): number {
  return support.users.length + query.users.length;
}
