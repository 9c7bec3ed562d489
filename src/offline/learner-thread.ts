/** A thread with a learner. */
import type { Tensor } from '../graph/index.ts';
import { hostThread } from '../lib/thread-host.ts';
import { openPopulation } from '../population/population.ts';
import type { Device } from '../runtime/session.ts';
import { assembleInitialModel, type InitialModelParts } from './initial-model.ts';
import { type CampaignTrials, type LearnerData, openLearner, type Task } from './learner.ts';
import type { MetaGradient } from './meta-step.ts';
import type { RankingQuality } from './metrics.ts';
import type { TrainSettings } from './settings.ts';

export interface LearnerThreadData {
  readonly population: { readonly path: string; readonly version: string };
  readonly hidden?: LearnerData['hidden'];
  /**
   * Its trainable parameters are in shared memory and correspond to the state that a task names.
   */
  readonly initialModel: InitialModelParts;
  readonly settings: TrainSettings;
  readonly device: Device;
}

export type LearnerWork =
  | { readonly kind: 'gradient'; readonly task: Task }
  | { readonly kind: 'trials'; readonly trials: CampaignTrials };

/** `state` counts the times that the parameters were set. */
export type LearnerTask = LearnerWork & { readonly state: number };

export type LearnerResult = MetaGradient | RankingQuality[][];

await hostThread<LearnerThreadData, LearnerTask, LearnerResult>(
  async ({ population, hidden, initialModel, settings, device }) => {
    const learner = openLearner({
      population: openPopulation(population.path, { version: population.version, trusted: true }),
      ...(hidden ? { hidden } : {}),
      initialModel: assembleInitialModel(initialModel),
      settings,
      device,
    });
    const shared = [...initialModel.graph.initializers];
    // ONNX Runtime does not accept shared memory
    const own = new Map(
      shared.map(([name, { data, ...type }]): [string, Tensor] => [name, { ...type, data: data.slice() }]),
    );
    let state = 0;
    return {
      run(task) {
        if (task.state !== state) for (const [name, { data }] of shared) own.get(name)!.data.set(data as never);
        state = task.state;
        return task.kind === 'gradient' ? learner.gradient(own, task.task) : learner.evaluate(own, task.trials);
      },
      close: () => learner.close(),
    };
  },
);
