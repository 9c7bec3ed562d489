/** `metaheac train`. */
import { systemClock } from '../../lib/clock.ts';
import { bar, type Output } from '../../lib/output.ts';
import { LEAST_CAMPAIGNS } from '../../offline/evidence.ts';
import { LEAST_TO_HOLD_OUT } from '../../offline/held-out.ts';
import { prepareTrainingData } from '../../offline/past-campaigns-choice.ts';
import type { PreparedDataSet } from '../../offline/prepared-data-set.ts';
import { RECIPES, type RecipeName } from '../../offline/recipe.ts';
import { prepareSelfSupervised } from '../../offline/self-supervised.ts';
import { DEFAULT_TRAIN_SETTINGS, PUBLISHED_TRAIN_SETTINGS, type TrainSettings } from '../../offline/settings.ts';
import { type TrainProgress, train } from '../../offline/train.ts';
import { parseDevice, resolveDevice } from '../../runtime/session.ts';
import { defaultTrainingThreads } from '../environment.ts';
import { describeChoice, describePastCampaigns, describeTokens, describeTuned } from '../training-choices.ts';

export interface TrainCommandOptions {
  data?: string;
  /** In place of a data set: a population folder, whose frequent tokens are the campaigns. */
  population?: string;
  selfSupervised?: boolean;
  out: string;
  name: string;
  recipe?: string;
  pastCampaigns?: 'auto' | 'always' | 'never';
  maximumTokens: number;
  taskCount?: number;
  numExpert?: number;
  numOutput?: number;
  batchsize?: number;
  seed?: number;
  embedding?: number;
  innerRate?: number;
  outerRate?: number;
  steps?: number;
  firstOrder?: boolean;
  resume?: boolean;
  threads?: number;
  device?: string;
  gpu?: number;
}

/** Ctrl-C ends after the current step and keeps the best so far (exit code 130). */
export async function trainCommand(options: TrainCommandOptions, output: Output): Promise<void> {
  const device = await resolveDevice(
    parseDevice(options.gpu === undefined ? (options.device ?? 'auto') : `cuda:${options.gpu}`),
  );
  output.note(`device: ${device.detail}`);
  const settings = settingsOf(options);
  const prepared = await prepare(options, settings, output);
  const interrupt = new AbortController();
  const onInterrupt = () => {
    if (interrupt.signal.aborted) return;
    output.note('interrupted: finishing the current step; the best model so far is kept');
    interrupt.abort();
  };
  // npm forwards Ctrl-C, so it may arrive twice
  process.on('SIGINT', onInterrupt);
  try {
    noteData(options, settings, prepared, output);
    const start = systemClock.elapsed();
    const result = await train(prepared, {
      out: options.out,
      settings,
      device,
      clock: systemClock,
      resume: options.resume ?? false,
      threads: options.threads ?? defaultTrainingThreads(device),
      signal: interrupt.signal,
      onProgress: (progress) => noteProgress(progress, output),
      onTuned: (part, choice) => {
        for (const line of describeTuned(part, choice)) output.note(line);
      },
      onChoice: (choice, on) => {
        for (const line of describeChoice(choice, on)) output.note(line);
      },
    });
    const seconds = ((systemClock.elapsed() - start) / 1000).toFixed(0);
    output.result(
      `model ${result.manifest.name} ${result.manifest.version} in ${options.out}: step ${result.bestStep} ` +
        `of ${result.steps} was ` +
        `best${result.finalSteps > 0 ? `, ${result.finalSteps} steps on all campaigns` : ''}, ${seconds} s`,
    );
    if (result.interrupted) {
      output.note('train again with --resume to continue');
      process.exitCode = 130;
    }
  } finally {
    process.off('SIGINT', onInterrupt);
    prepared.close();
  }
}

async function prepare(
  options: TrainCommandOptions,
  settings: TrainSettings,
  output: Output,
): Promise<PreparedDataSet> {
  const { data, population } = options;
  if (data === undefined) {
    const { seed } = settings;
    const { prepared, chosen } = prepareSelfSupervised(population!, { seed, maximumTokens: options.maximumTokens });
    for (const line of describeTokens(chosen)) output.note(line);
    return prepared;
  }
  return prepareTrainingData(data, {
    pastCampaigns: RECIPES[settings.recipe].pastCampaigns ? (options.pastCampaigns ?? 'auto') : 'never',
    seed: settings.seed,
    maximumTokens: options.maximumTokens,
    onChoice: (choice) => output.note(describePastCampaigns(choice)),
    onProgress: (users) => output.progress(`reading ${data}: ${users} users`),
  });
}

/** Reports the contents of the data set, and which campaigns and options are ignored. */
function noteData(
  options: TrainCommandOptions,
  settings: TrainSettings,
  prepared: PreparedDataSet,
  output: Output,
): void {
  const { history, population } = prepared;
  const campaigns = history.campaigns.filter(({ split }) => split === 'train').length;
  output.note(`${prepared.dataSet.name}: ${population.rowCount} users, ${campaigns} train campaigns`);
  for (const { name, kept } of prepared.userFeatures)
    if (kept)
      output.note(
        `user feature "${name}": the ${kept.codes.length} most frequent of ${kept.ids.length - 1} tokens are kept; ` +
          `${(100 * kept.cutShare).toPrecision(2)} % of the users' tokens are cut (--maximum-tokens)`,
      );
  const unknown = unknownWith(campaigns);
  if (unknown !== null) output.note(unknown);
  for (const { id, split, reason } of history.skipped)
    if (split === 'train') output.note(`campaign ${id} is skipped: ${reason}`);
  for (const [flag, value] of [
    ['--batchsize', options.batchsize],
    ['--inner-rate', options.innerRate],
  ] as const)
    if (value !== undefined && settings.recipe !== 'published')
      output.note(
        `${flag} applies only to --recipe published: ${settings.recipe} has its own episodes and inner steps`,
      );
}

function noteProgress({ phase, step, steps, loss, validationAuc, best }: TrainProgress, output: Output): void {
  const on = phase === 'final' ? ' on all campaigns' : '';
  const line =
    `${bar(step / steps)} step ${step}/${steps}${on}  loss ` +
    `${loss.toFixed(4)}${best ? `  best AUC ${best.auc.toFixed(4)} at step ${best.step}` : ''}`;
  if (validationAuc === null) output.progress(line);
  else
    output.note(
      `step ${step}/${steps}  loss ${loss.toFixed(4)}  validation AUC ` +
        `${validationAuc.toFixed(4)}${best?.step === step ? '  (best so far)' : ''}`,
    );
}

/** What training cannot determine from so few campaigns; null if it can determine everything. */
function unknownWith(campaigns: number): string | null {
  if (campaigns === 0)
    return (
      'there is no campaign to learn from: the model knows only the population and is adapted with defaults; ' +
      'its quality cannot be determined'
    );
  if (campaigns < LEAST_TO_HOLD_OUT)
    return (
      "too few campaigns to hold one out: when to stop, how to adapt and the model's quality cannot be " +
      'determined; defaults are used'
    );
  if (campaigns < LEAST_CAMPAIGNS) return 'too few campaigns to base choices on: defaults are used';
  return null;
}

function settingsOf(options: TrainCommandOptions): TrainSettings {
  const fallback = recipeOf(options) === 'published' ? PUBLISHED_TRAIN_SETTINGS : DEFAULT_TRAIN_SETTINGS;
  return {
    ...fallback,
    name: options.name,
    taskCount: options.taskCount ?? fallback.taskCount,
    experts: options.numExpert ?? fallback.experts,
    critics: options.numOutput ?? fallback.critics,
    batchSize: options.batchsize ?? fallback.batchSize,
    seed: options.seed ?? fallback.seed,
    embedding: options.embedding ?? fallback.embedding,
    innerRate: options.innerRate ?? fallback.innerRate,
    outerRate: options.outerRate ?? fallback.outerRate,
    steps: options.steps ?? fallback.steps,
    firstOrder: options.firstOrder ?? fallback.firstOrder,
  };
}

function recipeOf({ recipe = 'meta-heads' }: TrainCommandOptions): RecipeName {
  return recipe as RecipeName;
}
