/** `metaheac train`. */
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { LEAST_CAMPAIGNS } from '../../../training/choices/evidence.ts';
import { prepareTrainingData } from '../../../training/choices/past-campaigns-choice.ts';
import { LEAST_TO_HOLD_OUT } from '../../../training/history/held-out.ts';
import type { PreparedDataSet } from '../../../training/history/prepared-data-set.ts';
import { prepareSelfSupervised } from '../../../training/history/self-supervised.ts';
import { RECIPES } from '../../../training/recipe.ts';
import type { TrainSettings } from '../../../training/settings.ts';
import { Heartbeat } from '../../heartbeat.ts';
import { describePastCampaigns, describeTokens } from './choices.ts';
import { type CommonTrainOptions, openDevice, prepareFromService, settingsOf, trainReported } from './run.ts';

export interface TrainCommandOptions extends CommonTrainOptions {
  data?: string;
  /** A population folder. The population's tokens serve as campaigns unless the campaigns of a service are used. */
  population?: string;
  selfSupervised?: boolean;
  /** The data folder of a service. */
  fromService?: string;
  out: string;
  pastCampaigns?: 'auto' | 'always' | 'never';
}

/** Minimum number of campaigns from a service; with fewer, none can be held out, and the model learns little. */
const LEAST_SERVED = 5;

/** Trains a model. Ctrl-C ends training after the current step and keeps the best model so far (exit code 130). */
export async function trainCommand(options: TrainCommandOptions, output: Output): Promise<void> {
  const device = await openDevice(options, output);
  const settings = settingsOf(options);
  const heartbeat = new Heartbeat(output, systemClock, 'preparing the data');
  const prepared = await prepare(options, settings, output).finally(() => heartbeat.stop());
  try {
    noteData(options, settings, prepared, output);
    const start = systemClock.elapsed();
    const result = await trainReported(prepared, options, { settings, device }, output);
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
    prepared.close();
  }
}

async function prepare(
  options: TrainCommandOptions,
  settings: TrainSettings,
  output: Output,
): Promise<PreparedDataSet> {
  const { data, population, fromService, maximumTokens } = options;
  const { seed } = settings;
  if (fromService !== undefined) {
    const source = { dataDir: fromService, population: population! };
    return (await prepareFromService(source, { seed, maximumTokens, least: LEAST_SERVED, test: false }, output))
      .prepared;
  }
  if (data === undefined) {
    const { prepared, chosen } = prepareSelfSupervised(population!, { seed, maximumTokens });
    for (const line of describeTokens(chosen)) output.note(line);
    return prepared;
  }
  return prepareTrainingData(data, {
    pastCampaigns: RECIPES[settings.recipe].pastCampaigns ? (options.pastCampaigns ?? 'auto') : 'never',
    seed,
    maximumTokens,
    onChoice: (choice) => output.note(describePastCampaigns(choice)),
    onProgress: (users) => output.progress(`reading ${data}: ${users} users`),
  });
}

/** Reports the contents of the data set, and the campaigns and options that are ignored. */
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
          `${(100 * kept.cutShare).toPrecision(2)} % of the users' tokens are left out (--maximum-tokens)`,
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
        `${flag} applies only to --recipe published: the recipe ${settings.recipe} sets its own episodes and inner steps`,
      );
}

/** Describes what training cannot determine if there are too few campaigns; null if there are enough campaigns. */
function unknownWith(campaigns: number): string | null {
  if (campaigns === 0)
    return (
      'there is no campaign to learn from: the model is trained only on the population and adapted with defaults; ' +
      'the quality of the model cannot be determined'
    );
  if (campaigns < LEAST_TO_HOLD_OUT)
    return (
      "too few campaigns to hold one out: the best step, the adaptation settings and the model's quality " +
      'cannot be determined; defaults are used'
    );
  if (campaigns < LEAST_CAMPAIGNS) return 'there are too few campaigns to base choices on: defaults are used';
  return null;
}
