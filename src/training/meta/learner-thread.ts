/** A thread that runs a learner. */
import type { Parameters, Tensor } from '../../../packages/onnx-grad/index.ts';
import { hostThread } from '../../lib/threads/thread-host.ts';
import { appErrorOf } from '../../model/onnx-grad.ts';
import { openPopulation } from '../../population/read.ts';
import { assembleInitialModel, type InitialModelContent } from './initial-model.ts';
import { type LearnerData, type LearnerResult, type LearnerWork, openLearner } from './learner.ts';

export interface LearnerThreadData extends Omit<LearnerData, 'population' | 'initialModel'> {
  readonly population: { readonly path: string; readonly version: string };
  /** The initial model. Its trainable parameters are in shared memory and have the state that the task specifies. */
  readonly initialModel: InitialModelContent;
}

/** `state` counts how often the parameters were set. */
export type LearnerTask = LearnerWork & { readonly state: number };

await hostThread<LearnerThreadData, LearnerTask, LearnerResult>(async ({ population, initialModel, ...data }) => {
  const learner = openLearner({
    ...data,
    population: openPopulation(population.path, { version: population.version, trusted: true }),
    initialModel: assembleInitialModel(initialModel),
  });
  const shared = initialModel.graph.initializers;
  // ONNX Runtime does not accept shared memory, so a gradient needs copies of a few rows, and trials need a copy of
  // everything
  let own: { readonly state: number; readonly parameters: Parameters } | null = null;
  return {
    run(task) {
      if (task.kind === 'gradient') return learner.run(shared, task);
      if (own?.state !== task.state) own = { state: task.state, parameters: copyOf(shared, own?.parameters) };
      return learner.run(own.parameters, task);
    },
    transferred: (result) =>
      'parts' in result ? [...result.parts.values()].map(({ data }) => data.buffer as ArrayBuffer) : [],
    close: () => learner.close(),
  };
}, appErrorOf);

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
