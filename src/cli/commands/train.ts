/** `metaheac train`. */
import { systemClock } from '../../lib/clock.ts';
import { parseDevice, resolveDevice } from '../../model/session.ts';
import type { Choice } from '../../offline/choose-adaptation.ts';
import { RECIPES, type RecipeName } from '../../offline/recipe.ts';
import { DEFAULT_TRAIN_SETTINGS, PUBLISHED_TRAIN_SETTINGS, type TrainSettings } from '../../offline/settings.ts';
import { train } from '../../offline/train.ts';
import { openWorkspace } from '../../offline/workspace.ts';
import { defaultTrainingThreads } from '../environment.ts';
import { bar, type Output } from '../output.ts';

export interface TrainCommandOptions {
  data: string;
  out: string;
  name: string;
  recipe?: string;
  pastCampaigns?: 'auto' | 'never';
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

/** Ctrl-C ends after the step at hand and keeps the best so far (exit code 130). */
export async function trainCommand(options: TrainCommandOptions, output: Output): Promise<void> {
  const device = await resolveDevice(
    parseDevice(options.gpu === undefined ? (options.device ?? 'auto') : `cuda:${options.gpu}`),
  );
  output.note(`device: ${device.detail}`);
  const workspace = await openWorkspace(options.data, {
    pastCampaigns:
      RECIPES[recipeOf(options)].pastCampaigns && options.pastCampaigns !== 'never' ? 'where users recur' : 'never',
    onProgress: (users) => output.progress(`reading ${options.data}: ${users} users`),
  });
  const interrupt = new AbortController();
  const onInterrupt = () => {
    if (interrupt.signal.aborted) return;
    output.note('interrupted: the step at hand is finished and the best model so far is kept');
    interrupt.abort();
  };
  // npm hands a Ctrl-C on, so that it may come twice
  process.on('SIGINT', onInterrupt);
  try {
    const { history, population } = workspace;
    const campaigns = history.campaigns.filter(({ split }) => split === 'train').length;
    output.note(`${workspace.dataSet.name}: ${population.rowCount} users, ${campaigns} train campaigns`);
    for (const { id, split, reason } of history.skipped)
      if (split === 'train') output.note(`campaign ${id} is left out: ${reason}`);
    const settings = settingsOf(options);
    for (const [flag, value] of [
      ['--batchsize', options.batchsize],
      ['--inner-rate', options.innerRate],
    ] as const)
      if (value !== undefined && settings.recipe !== 'published')
        output.note(
          `${flag} is of --recipe published: ${settings.recipe} draws episodes and takes inner steps of its own`,
        );
    const start = systemClock.elapsed();
    const result = await train(workspace, {
      out: options.out,
      settings,
      device,
      clock: systemClock,
      resume: options.resume ?? false,
      threads: options.threads ?? defaultTrainingThreads(device),
      signal: interrupt.signal,
      onProgress: ({ phase, step, steps, loss, validationAuc, best }) => {
        const on = phase === 'final' ? ' on all campaigns' : '';
        const line = `${bar(step / steps)} step ${step}/${steps}${on}  loss ${loss.toFixed(4)}${best ? `  best AUC ${best.auc.toFixed(4)} at step ${best.step}` : ''}`;
        if (validationAuc === null) output.progress(line);
        else
          output.note(
            `step ${step}/${steps}  loss ${loss.toFixed(4)}  validation AUC ${validationAuc.toFixed(4)}${best?.step === step ? '  (best so far)' : ''}`,
          );
      },
      onCompanion: ({ setting, tried }) => {
        const best = tried.find((one) => one.setting === setting);
        output.note(
          `companion: logistic regression with C ${setting.wide || '-'} on tokens and ${setting.query || '-'} on latent vectors does best by itself on train campaigns${best ? ` (AUC ${best.auc.toFixed(4)}, of ${tried.map(({ auc }) => auc.toFixed(4)).join(', ')})` : ''}`,
        );
      },
      onChoice: (choice, on) => {
        for (const line of describeChoice(choice, on)) output.note(line);
      },
    });
    const seconds = ((systemClock.elapsed() - start) / 1000).toFixed(0);
    output.result(
      `model ${result.manifest.name} ${result.manifest.version} in ${options.out}: step ${result.bestStep} of ${result.steps} was best${result.finalSteps > 0 ? `, ${result.finalSteps} steps on all campaigns` : ''}, ${seconds} s`,
    );
    if (result.interrupted) {
      output.note('train again with --resume to go on');
      process.exitCode = 130;
    }
  } finally {
    process.off('SIGINT', onInterrupt);
    workspace.close();
  }
}

/** What was tried on held-out campaigns, and what was taken. */
function describeChoice({ settings, tried, campaigns }: Choice, on: 'start' | 'held out'): string[] {
  const where = `${campaigns} ${on === 'start' ? 'train campaigns, before training' : 'held-out campaigns'}`;
  if (tried.length === 0)
    return [
      `how heads are adapted: companion of weight ${settings.companion?.weight ?? 0}, the rest as it was, since ${where}, are too few to choose on`,
    ];
  const signed = (x: number) => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`;
  const { rates, steps, first_pass, companion } = settings;
  const named = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    `how heads are adapted, tried on ${where} (gain in AUC, its standard error):`,
    ...tried.map(
      ({ change, gain, error, taken }) =>
        `  ${signed(gain)} +-${error.toFixed(4)}  ${change}${taken ? '  (taken: the gain is clear)' : ''}`,
    ),
    `chosen: rates ${named(rates)}; ${steps.at_50_seeds} steps at 50 seeds, ~ seeds^${steps.exponent}; ${first_pass ? `cut ${first_pass.cut}` : 'no cut'}; ${companion ? `companion of weight ${companion.weight}, C ${named(companion.strengths)}` : 'no companion'}${tried.some(({ taken }) => taken) ? '' : ' (as it was: nothing else was clearly better)'}`,
  ];
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
