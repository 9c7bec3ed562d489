/** A thread that runs a learner. */
import type { Device, Parameters, Tensor } from '../../../packages/onnx-grad/index.ts';
import { hostThread } from '../../lib/threads/thread-host.ts';
import { appErrorOf } from '../../model/onnx-grad.ts';
import { openPopulation } from '../../population/read.ts';
import type { DriftPair } from '../choices/drift.ts';
import type { TrialLogits } from '../choices/head-trials.ts';
import type { CampaignTrials } from '../choices/trial.ts';
import type { RankingQuality } from '../evaluation/metrics.ts';
import type { TrainSettings } from '../settings.ts';
import { assembleInitialModel, type InitialModelContent } from './initial-model.ts';
import { type LearnerData, openLearner, type Task } from './learner.ts';
import type { MetaGradient } from './meta-step.ts';

export interface LearnerThreadData {
  readonly population: { readonly path: string; readonly version: string };
  readonly hidden?: LearnerData['hidden'];
  readonly weights?: LearnerData['weights'];
  /** The initial model. Its trainable parameters are in shared memory and have the state that the task specifies. */
  readonly initialModel: InitialModelContent;
  readonly settings: TrainSettings;
  readonly device: Device;
}

export type LearnerWork =
  | { readonly kind: 'gradient'; readonly task: Task }
  | { readonly kind: 'trials' | 'predictions' | 'logits'; readonly trials: CampaignTrials };

/** `state` counts how often the parameters were set. */
export type LearnerTask = LearnerWork & { readonly state: number };

export type LearnerResult = MetaGradient | RankingQuality[][] | (DriftPair | null)[] | TrialLogits[];

await hostThread<LearnerThreadData, LearnerTask, LearnerResult>(
  async ({ population, hidden, weights, initialModel, settings, device }) => {
    const learner = openLearner({
      population: openPopulation(population.path, { version: population.version, trusted: true }),
      ...(hidden ? { hidden } : {}),
      ...(weights ? { weights } : {}),
      initialModel: assembleInitialModel(initialModel),
      settings,
      device,
    });
    const shared = initialModel.graph.initializers;
    // ONNX Runtime does not accept shared memory, so a gradient needs copies of a few rows, and trials need a copy of
    // everything
    let own: { readonly state: number; readonly parameters: Parameters } | null = null;
    return {
      run(task) {
        if (task.kind === 'gradient') return learner.gradient(shared, task.task);
        if (own?.state !== task.state) own = { state: task.state, parameters: copyOf(shared, own?.parameters) };
        switch (task.kind) {
          case 'trials':
            return learner.evaluate(own.parameters, task.trials);
          case 'logits':
            return learner.logits(own.parameters, task.trials);
          case 'predictions':
            return learner.predict(own.parameters, task.trials);
        }
      },
      transferred: (result) =>
        'parts' in result ? [...result.parts.values()].map(({ data }) => data.buffer as ArrayBuffer) : [],
      close: () => learner.close(),
    };
  },
  appErrorOf,
);

/** Copies the parameters into new memory, or into the memory of earlier copies if given. */
function copyOf(parameters: Parameters, before?: Parameters): Parameters {
  return new Map(
    [...parameters].map(([name, value]): [string, Tensor] => {
      const copy = before?.get(name) ?? { ...value, data: value.data.slice() };
      copy.data.set(value.data as never);
      return [name, copy];
    }),
  );
}
