/**
 * The computations of training that use ONNX Runtime, one task at a time: the meta gradient of an episode, and the
 * qualities of a campaign's trials.
 */

import {
  type Device,
  type LabelledBatch,
  type Parameters,
  type SessionOptions,
  trainableParameters,
} from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';
import type { AdaptableModel } from '../../model/load.ts';
import type { AdaptationSettings } from '../../model/manifest.ts';
import { type Binding, bind, hide, withoutTokens } from '../../online/binding.ts';
import { encodeCampaign, encodeUsers } from '../../online/encode.ts';
import { type OnlineContext, type OnlineProgram, openOnlineProgram } from '../../online/online-context.ts';
import { ownToken } from '../../online/own-token.ts';
import { type BoundRegression, openBoundRegression } from '../../online/regression/bound-regression.ts';
import { openScorer, type Scorer } from '../../online/scoring/score.ts';
import { type HiddenTokens, hiddenBy, swapsOf } from '../../online/swap.ts';
import { PAST_CAMPAIGNS, type Population } from '../../population/read.ts';
import { type CampaignWeights, priorsBefore } from '../choices/campaign-weights.ts';
import type { DriftPair } from '../choices/drift.ts';
import { type HeadTrials, type PreparedTrials, startPreparedTrials, type TrialLogits } from '../choices/head-trials.ts';
import { type CampaignTrials, runDriftTrial, runTrial } from '../choices/trial.ts';
import { TrialCache } from '../choices/trial-cache.ts';
import type { RankingQuality } from '../evaluation/metrics.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { RECIPES, type SampledEpisode } from '../recipe.ts';
import type { TrainSettings } from '../settings.ts';
import type { SampledBatch } from './episodes.ts';
import type { InitialModel } from './initial-model.ts';
import type { MetaGradient, MetaProgram } from './meta-step.ts';

/** A task of a meta-step: an episode of one campaign. */
export interface Task extends SampledEpisode {
  /** The campaign's id. */
  readonly campaign: string;
  /** Future campaigns, whose tokens no user has yet. */
  readonly future: readonly string[];
}

/** Work of a learner; see the methods of `Learners` for the results. */
export type LearnerWork =
  | { readonly kind: 'gradient'; readonly task: Task }
  | { readonly kind: 'trials' | 'predictions' | 'logits'; readonly trials: CampaignTrials };

export type LearnerResult = MetaGradient | RankingQuality[][] | (DriftPair | null)[] | TrialLogits[];

/**
 * Computes gradients and trials. Sessions are opened on first use. The values in a map of parameters may change only
 * between two gradients.
 */
export interface Learner {
  run(parameters: Parameters, work: LearnerWork): Promise<LearnerResult>;
  close(): Promise<void>;
}

export interface LearnerData {
  readonly population: Population;
  /** Regressions on past campaigns, which are the priors of the model. */
  readonly weights?: readonly CampaignWeights[];
  /** Hidden values, as in the prepared data set. */
  readonly hidden?: PreparedDataSet['hidden'];
  readonly initialModel: InitialModel;
  readonly settings: TrainSettings;
  readonly device: Device;
}

export function openLearner({ population, weights, hidden, initialModel, settings, device }: LearnerData): Learner {
  const { graph } = initialModel;
  const parameters = trainableParameters(graph);
  const bindingBefore = bindingsOf(initialModel, population, hidden);
  const whole = bindingBefore([]);
  const hideFor = (tokens: HiddenTokens, campaigns: readonly string[]) =>
    hide(whole, swapsOf(population, hiddenBy(tokens, campaigns), tokens.draws));
  let program: Promise<MetaProgram> | null = null;
  let opened: Promise<Trials> | null = null;
  const sessions = { device, keepsMemory: true };
  const bound = boundSessions(population, sessions, weights);
  const contextOf = async (current: Parameters, future: readonly string[]) => {
    opened ??= openTrials(initialModel, whole, parameters, settings, sessions);
    const users = { population, binding: bindingBefore(future), parameters: current };
    return contextBefore(await opened, users, bound, future);
  };
  const cache = new TrialCache(population);
  const startedOf = (current: Parameters, campaign: CampaignTrials): Promise<HeadTrials> =>
    cache.start(current, campaign, async (prepared) => startOn(await contextOf(current, campaign.future), prepared));
  const gradient = async (current: Parameters, task: Task): Promise<MetaGradient> => {
    cache.forgetParameters();
    program ??= RECIPES[settings.recipe].openProgram(graph, parameters, settings, device);
    const { support, query } = task;
    const binding = hidden ? hideFor(hidden, [...task.future, task.campaign]) : bindingBefore(task.future);
    const encode = (batch: SampledBatch) => encodeBatch(initialModel, population, binding, task, batch);
    const episode = { support: encode(support), query: encode(query) };
    return (await program).run(current, episode, settings.innerRate);
  };
  const evaluate = async (current: Parameters, campaign: CampaignTrials): Promise<RankingQuality[][]> => {
    if (settings.adaptation.optimiser !== 'gradient_descent')
      return [await runTrials(await contextOf(current, campaign.future), campaign)];
    const started = await startedOf(current, campaign);
    const out: RankingQuality[][] = [];
    for (const own of campaign.settings) out.push(await started.evaluate(own));
    return out;
  };
  const predict = async (current: Parameters, { trials, key, future, settings: [chosen] }: CampaignTrials) => {
    const { context, online } = await contextOf(current, future);
    const own = { ...context, program: withSettings(online, chosen ?? settings.adaptation) };
    const scorer = await bound.scorer(context.model, context.binding);
    const out: (DriftPair | null)[] = [];
    for (const trial of trials) out.push(await runDriftTrial(own, scorer, trial, `${key}/${trial.seeds.length}`));
    return out;
  };
  return {
    async run(current, work) {
      switch (work.kind) {
        case 'gradient':
          return await gradient(current, work.task);
        case 'trials':
          return await evaluate(current, work.trials);
        case 'predictions':
          return await predict(current, work.trials);
        case 'logits': {
          const [own] = work.trials.settings;
          assert(own !== undefined, 'a campaign has no settings to blend with');
          return await (await startedOf(current, work.trials)).logits(own);
        }
      }
    },
    async close() {
      await (await program)?.close();
      const online = await opened;
      await online?.program.steps.close();
      await online?.scorer?.close();
      await bound.close();
    },
  };
}

/**
 * The sessions for users as they were before a future, that is, before a set of campaigns that are treated as future
 * ones. Only the sessions of the last future are kept, because campaigns are processed one future after another.
 */
function boundSessions(population: Population, options: SessionOptions, weights: readonly CampaignWeights[] = []) {
  let regression: { readonly key: string; readonly opened: Promise<BoundRegression | null> } | null = null;
  let scorer: { readonly binding: Binding; readonly opened: Promise<Scorer> } | null = null;
  return {
    async regression(
      model: AdaptableModel,
      binding: Binding,
      future: readonly string[],
    ): Promise<BoundRegression | null> {
      // two futures may have the same earlier users, but their priors differ
      const key = JSON.stringify(future);
      if (regression?.key !== key) {
        await (await regression?.opened)?.close();
        const before = { ...model, priors: priorsBefore(weights, future) };
        regression = { key, opened: openBoundRegression({ model: before, population, binding }, options) };
      }
      return await regression.opened;
    },
    async scorer(model: AdaptableModel, binding: Binding): Promise<Scorer> {
      if (scorer?.binding !== binding) {
        await (await scorer?.opened)?.close();
        scorer = { binding, opened: openScorer({ ...model, binding }, { ...options, withUserSide: false }) };
      }
      return await scorer.opened;
    },
    async close(): Promise<void> {
      await (await regression?.opened)?.close();
      await (await scorer?.opened)?.close();
    },
  };
}

/** Everything that trials need, for users as they were before the campaigns that are treated as future ones. */
interface UsersBefore {
  readonly context: OnlineContext;
  readonly online: OnlineProgram;
  readonly scorer: Scorer | null;
}

async function contextBefore(
  { model, program: online, scorer }: Trials,
  users: Required<Pick<OnlineContext, 'population' | 'binding' | 'parameters'>>,
  bound: ReturnType<typeof boundSessions>,
  future: readonly string[],
): Promise<UsersBefore> {
  const regression = await bound.regression(model, users.binding, future);
  return { context: { ...users, model, program: online, regression }, online, scorer };
}

/** Runs trials one by one, with the model's own settings. */
async function runTrials({ context, scorer }: UsersBefore, { trials, key }: CampaignTrials): Promise<RankingQuality[]> {
  const out: RankingQuality[] = [];
  for (const trial of trials) out.push(await runTrial(context, scorer!, trial, `${key}/${trial.seeds.length}`));
  return out;
}

/** Starts the trials of a model with heads. */
function startOn({ context, online }: UsersBefore, prepared: PreparedTrials): Promise<HeadTrials> {
  assert(online.kind === 'gradient_descent', 'only a model with heads can start trials');
  return startPreparedTrials(context, online.steps, prepared);
}

/** Returns the program with the settings of `adaptation`. */
function withSettings(program: OnlineProgram, adaptation: AdaptationSettings): OnlineProgram {
  if (program.kind === 'adam') return adaptation.optimiser === 'adam' ? { ...program, settings: adaptation } : program;
  return adaptation.optimiser === 'adam' ? program : { ...program, settings: adaptation };
}

/**
 * Binds the users as they were before the campaigns that are treated as future ones, when nobody had these campaigns'
 * tokens.
 */
function bindingsOf(
  { folder }: InitialModel,
  population: Population,
  hidden: PreparedDataSet['hidden'],
): (future: readonly string[]) => Binding {
  const whole = bind(folder, population);
  const bindings = new Map<string, Binding>();
  return (future) => {
    const key = JSON.stringify(future);
    const made = bindings.get(key);
    if (made) return made;
    const ids = new Set(future.flatMap((campaign) => ownToken(folder, campaign)?.id ?? []));
    const known = ids.size === 0 ? whole : withoutTokens(whole, PAST_CAMPAIGNS, ids);
    const binding = hidden ? hide(known, swapsOf(population, hiddenBy(hidden, future), hidden.draws)) : known;
    bindings.set(key, binding);
    return binding;
  };
}

function encodeBatch(
  { graph, folder }: InitialModel,
  population: Population,
  binding: Binding,
  { campaign, features }: Task,
  { users, labels }: SampledBatch,
): LabelledBatch {
  return {
    feeds: {
      ...encodeUsers(graph, binding, population.readRows(users.map((user) => population.rowOf[user]!)), {
        // a campaign's own token, as a past campaign, would reveal the campaign's members
        without: ownToken(folder, campaign),
      }),
      ...encodeCampaign(graph, folder, features, users.length),
    },
    labels,
  };
}

interface Trials {
  readonly model: AdaptableModel;
  readonly program: OnlineProgram;
  /** The scorer for trials that run one by one. */
  readonly scorer: Scorer | null;
}

async function openTrials(
  { folder, graph }: InitialModel,
  binding: Binding,
  adapted: readonly string[],
  { adaptation }: TrainSettings,
  options: SessionOptions,
): Promise<Trials> {
  // the number of epochs is not chosen here: each trial takes a single pass, which makes the metric more stable
  const steady = adaptation.optimiser === 'adam' ? { ...adaptation, early_stopping: null } : adaptation;
  const model = { folder, manifest: { ...folder.manifest, adaptation: steady }, graph, adapted };
  const program = await openOnlineProgram(model, options);
  const scorer =
    program.kind === 'adam' ? await openScorer({ ...model, binding }, { ...options, withUserSide: false }) : null;
  return { model, program, scorer };
}
