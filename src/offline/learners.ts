/** Learners: one in this thread, or as many as there are threads. What they answer does not depend on how many there are. */
import type { Parameters } from '../adaptation/compaction.ts';
import type { Device } from '../runtime/session.ts';
import type { Draft } from './draft.ts';
import { openLearner, type Play, type Task } from './learner.ts';
import { openLearnerThreads } from './learner-threads.ts';
import type { MetaGradient } from './meta-step.ts';
import type { RankingQuality } from './metrics.ts';
import { type TrainSettings, VALIDATION_CAMPAIGNS } from './settings.ts';
import type { Workspace } from './workspace.ts';

/** Answers come in the order of what was asked for. One call at a time. */
export interface Learners {
  gradients(parameters: Parameters, tasks: readonly Task[]): Promise<MetaGradient[]>;
  /** Adapts `parameters` to the seeds of each play's trials, as the service would, and measures: by play, by settings, by trial. */
  play(parameters: Parameters, plays: readonly Play[]): Promise<RankingQuality[][][]>;
  close(): Promise<void>;
}

export interface LearnersOptions {
  readonly settings: TrainSettings;
  readonly device: Device;
  /** 1: all work is done in this thread. No more are started than a step has tasks or a validation campaigns. */
  readonly threads: number;
}

export async function openLearners(workspace: Workspace, draft: Draft, options: LearnersOptions): Promise<Learners> {
  const { population } = workspace;
  const most = Math.max(options.settings.taskCount, VALIDATION_CAMPAIGNS);
  const threads = Math.min(options.threads, most);
  if (threads > 1) return openLearnerThreads(population, draft, { ...options, threads });
  const learner = openLearner({ population, draft, ...options });
  const inTurn = async <A, B>(list: readonly A[], work: (one: A) => Promise<B>): Promise<B[]> => {
    const out: B[] = [];
    for (const one of list) out.push(await work(one));
    return out;
  };
  return {
    gradients: (parameters, tasks) => inTurn(tasks, (task) => learner.gradient(parameters, task)),
    play: (parameters, plays) => inTurn(plays, (play) => learner.play(parameters, play)),
    close: () => learner.close(),
  };
}
