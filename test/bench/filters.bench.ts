/**
 * The effect of filters on audiences and reports: `filters --data DIR --model DIR --filter JSON..`. Measures the AUC
 * inside the filter with negatives from everyone, from users who fit, and matched to the seeds; how true predictions
 * are; and random seeds.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { findFiltered } from '../../src/audience/find-roles.ts';
import { positiveInteger } from '../../src/cli/options.ts';
import type { Filters } from '../../src/domain/features.ts';
import { AppError } from '../../src/lib/errors.ts';
import { loadModel } from '../../src/model/load.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { openTrialModel, testTrials } from '../../src/training/choices/trial.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { campaignsOf, SEED_KINDS, splitOf } from './filters/campaigns.ts';
import { type Measured, measureCampaign, measureRandom, type RandomSet } from './filters/measure.ts';
import { describePredictions, describeRandom, describeRules } from './filters/tables.ts';

const USAGE =
  `filters --data <data set folder> --model <model folder> --filter '{"country": ["DE"]}' [--filter ..] ` +
  '[--campaigns N] [--sets N] [--work <file that keeps what is done>]';
const CAMPAIGNS = 40;
const SETS = 50;

type Kept = { readonly campaign: Measured } | { readonly random: RandomSet };

/** Returns lines of Markdown: three tables. */
export async function benchFilters(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const { data, model: folder, filters, campaigns, sets, work } = readArguments(args);
  const kept = work !== null && existsSync(work) ? readFileSync(work, 'utf8').split('\n').filter(Boolean) : [];
  const done = kept.map((line) => JSON.parse(line) as Kept);
  const keep = (one: Kept) => {
    done.push(one);
    if (work !== null) appendFileSync(work, `${JSON.stringify(one)}\n`);
  };
  const model = await loadModel(folder, { device: CPU });
  const prepared = await prepareDataSet(data, {
    pastCampaigns: model.folder.vocabularies.has(`user.${PAST_CAMPAIGNS}`),
  });
  const { population } = prepared;
  const opened = await openTrialModel(model, population, CPU);
  const { context, scorer } = opened;
  try {
    for (const { name, value } of filters) {
      const split = splitOf(await findFiltered(population, value, async () => {}));
      const share = `${((100 * split.inside.length) / population.rowCount).toFixed(0)} %`;
      const filter = `${name} (${share})`;
      for (const kind of SEED_KINDS)
        for (const campaign of campaignsOf(prepared, kind, split, campaigns)) {
          const isDone = (one: Kept) =>
            'campaign' in one &&
            [one.campaign.filter, one.campaign.kind, one.campaign.id].join() === [filter, kind, campaign.id].join();
          if (done.some(isDone)) continue;
          keep({ campaign: await measureCampaign(context, scorer, campaign, split, filter) });
          note(`${filter}, ${kind}: ${campaign.id}`);
        }
      const trials = testTrials(prepared.history.campaigns);
      const before = done.filter((one) => 'random' in one && one.random.filter === filter).length;
      for (let set = before; set < sets; set++) {
        const { features } = trials[set % trials.length]!;
        keep({ random: await measureRandom(context, features, { split, filter, set }) });
        note(`${filter}: random set ${set + 1}`);
      }
    }
  } finally {
    await opened.close();
    prepared.close();
  }
  const measured = done.flatMap((one) => ('campaign' in one ? [one.campaign] : []));
  const random = done.flatMap((one) => ('random' in one ? [one.random] : []));
  const tables = [
    ...(measured.length > 0 ? [describeRules(measured), describePredictions(measured)] : []),
    ...(random.length > 0 ? [describeRandom(random)] : []),
  ];
  return tables.flatMap((text) => [text, '']);
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { data: text, model: text, filter: { ...text, multiple: true }, campaigns: text, sets: text, work: text },
  });
  const { data, model, filter = [], campaigns, sets, work = null } = values;
  if (data === undefined || model === undefined || filter.length === 0)
    throw new AppError('invalid_argument', `usage: ${USAGE}`);
  return {
    ...{ data, model, work },
    filters: filter.map((name) => ({ name: name.replaceAll('"', ''), value: JSON.parse(name) as Filters })),
    campaigns: campaigns === undefined ? CAMPAIGNS : positiveInteger(campaigns),
    sets: sets === undefined ? SETS : Number(sets),
  };
}
