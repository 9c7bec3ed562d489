/**
 * Learners: one in this thread, or as many as there are threads. The results do not depend on their number.
 */
import type { Device, Parameters } from '../../../packages/onnx-grad/index.ts';
import type { CampaignWeights } from '../choices/campaign-weights.ts';
import type { DriftPair } from '../choices/drift.ts';
import type { TrialLogits } from '../choices/head-trials.ts';
import type { RankingQuality } from '../evaluation/metrics.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { type TrainSettings, VALIDATION_CAMPAIGNS } from '../settings.ts';
import type { InitialModel } from './initial-model.ts';
import { type CampaignTrials, openLearner, type Task } from './learner.ts';
import { openLearnerThreads } from './learner-threads.ts';
import type { MetaGradient } from './meta-step.ts';

/** Results come in the order of the requests. One call at a time. */
export interface Learners {
  gradients(parameters: Parameters, tasks: readonly Task[]): Promise<MetaGradient[]>;
  /**
   * Adapts `parameters` to the seeds of the trials of each campaign, as the service would, and measures: by campaign,
   * by settings, by trial.
   */
  evaluate(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<RankingQuality[][][]>;
  /** By campaign and trial, what a blend of its first settings is made of. */
  logits(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<TrialLogits[][]>;
  /** By campaign and trial, what was predicted from its seeds and what is true, as `Learner.predict` says. */
  predict(parameters: Parameters, campaignTrials: readonly CampaignTrials[]): Promise<(DriftPair | null)[][]>;
  close(): Promise<void>;
}

export interface LearnersOptions {
  readonly settings: TrainSettings;
  readonly device: Device;
  /** Of past campaigns, from which the model has its priors. */
  readonly weights?: readonly CampaignWeights[];
  /** 1: all work is done in this thread. No more are started than a step has tasks or a validation campaigns. */
  readonly threads: number;
}

export async function openLearners(
  { population, hidden }: Pick<PreparedDataSet, 'population' | 'hidden'>,
  initialModel: InitialModel,
  { weights, ...options }: LearnersOptions,
): Promise<Learners> {
  const data = { population, ...(hidden ? { hidden } : {}), ...(weights ? { weights } : {}) };
  const most = Math.max(options.settings.taskCount, VALIDATION_CAMPAIGNS);
  const threads = Math.min(options.threads, most);
  if (threads > 1) return openLearnerThreads(data, initialModel, { ...options, threads });
  const learner = openLearner({ ...data, initialModel, ...options });
  const inTurn = async <A, B>(list: readonly A[], work: (one: A) => Promise<B>): Promise<B[]> => {
    const out: B[] = [];
    for (const one of list) out.push(await work(one));
    return out;
  };
  return {
    gradients: (parameters, tasks) => inTurn(tasks, (task) => learner.gradient(parameters, task)),
    evaluate: (parameters, campaignTrials) =>
      inTurn(campaignTrials, (campaign) => learner.evaluate(parameters, campaign)),
    logits: (parameters, campaignTrials) => inTurn(campaignTrials, (campaign) => learner.logits(parameters, campaign)),
    predict: (parameters, campaignTrials) =>
      inTurn(campaignTrials, (campaign) => learner.predict(parameters, campaign)),
    close: () => learner.close(),
  };
}
