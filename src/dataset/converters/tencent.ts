/** Converts the Tencent look-alike data (Tencent Ads Algorithm Competition 2018) to a data set: ads are campaigns. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng, sample } from '../../lib/rng.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { type WrittenCampaign, writeDataSet } from '../data-set-writer.ts';
import { checkFeatures } from '../features.ts';
import { describeFeature } from './columns.ts';
import { MadeCounts, type MadeDataSet, type OnProgress, writeNewFolder } from './new-data-set.ts';
import { Others, rowsOf } from './rows.ts';
import { type Ad, readAds, readShown, readUserFeatures, surveyUserFeatures } from './tencent-users.ts';

export interface TencentOptions {
  /** The folder that contains the downloaded files. */
  readonly folder: string;
  /** The folder of the new data set, which must not exist. */
  readonly out: string;
  /** The threshold T: an ad with more seeds than T is large (hot), any other ad is small (cold). */
  readonly threshold: number;
  /** The share of ads that become test campaigns. */
  readonly testShare: number;
  /** Minimum number of seeds; ads with fewer seeds are left out. */
  readonly minimumUsers: number;
  /** Number of non-members to draw per member; null to use the non-members in the log. */
  readonly negatives: number | null;
  readonly seed: string;
  readonly onProgress: OnProgress;
}

/** Where to get the files. */
const HOME =
  'the data of the Tencent Ads Algorithm Competition 2018 (look-alike), https://algo.qq.com/archive.html; ' +
  'test1_truth.csv comes with the data that the authors of MetaHeac published';

/** A campaign of the data set: an ad with its split and group. */
interface Campaign {
  readonly ad: Ad;
  readonly split: 'train' | 'test';
  readonly group: 'small' | 'large';
}

/**
 * Follows MetaHeac's published preprocessing. The rows of an ad are its seeds (label 1) and its non-members (label -1).
 * Ads with more than `threshold` seeds are large. Each group is split at random into train and test campaigns. The rows
 * of a test campaign are split into two halves: one for adaptation and one for evaluation. The file of users is
 * streamed twice. Memory: 20 bytes per user plus 5 bytes per row. Equal files and seeds give equal bytes. Errors
 * (AppError): `invalid_argument` if a file is missing or `out` exists, `invalid_data` naming file:line,
 * `storage_failed`; nothing is left behind.
 */
export async function makeTencent(options: TencentOptions): Promise<MadeDataSet> {
  const files = findFiles(options.folder);
  return await writeNewFolder(options.out, async (folder) => {
    const { onProgress } = options;
    const rng = createRng(`tencent/${options.seed}`);
    const users = new TextTable();
    const survey = await surveyUserFeatures(files.users, users, onProgress);
    const table = await readAds(files.ads, onProgress);
    const { ads, notes: unknown } = await readShown(files.shown, table, users, onProgress);
    const { campaigns, leftOut } = chooseCampaigns(ads, options, rng);
    checkFeatures(survey.features, files.users, 'invalid_data');
    checkFeatures(table.features, files.ads, 'invalid_data');
    const counts = new MadeCounts();
    await writeDataSet(folder, {
      description: {
        name: basename(resolve(options.out)),
        user_features: survey.features.map(describeFeature),
        campaign_features: table.features.map(describeFeature),
        made: `metaheac dataset tencent, T ${options.threshold}, seed ${options.seed}`,
        licence: 'No licence stated by Tencent: for research only.',
      },
      users: readUserFeatures(files.users, survey, onProgress),
      campaigns: written(campaigns, users, options, { counts, rng }),
    });
    const notes = [...notesOf(ads, options, leftOut), ...unknown, ...survey.leftOut, ...table.leftOut];
    return { ...counts, users: users.count, notes };
  });
}

function findFiles(folder: string) {
  const find = (name: string): string => {
    const found = [name, `${name}.gz`].map((file) => join(folder, file)).find((file) => existsSync(file));
    if (found === undefined)
      throw new AppError('invalid_argument', `${folder} has no ${name}, which is part of ${HOME}`);
    return found;
  };
  const users = find('userFeature.data');
  const ads = find('adFeature.csv');
  const train = find('train.csv');
  const truths = readdirSync(folder).filter((name) => /^test\d+_truth\.csv(\.gz)?$/.test(name));
  if (truths.length === 0) find('test1_truth.csv');
  return { users, ads, shown: [train, ...truths.sort().map((name) => join(folder, name))] };
}

/** Splits the ads with enough seeds: equal shares of the large ads and of the small ads become test campaigns. */
function chooseCampaigns(
  ads: readonly Ad[],
  { threshold, testShare, minimumUsers }: TencentOptions,
  rng: Rng,
): { campaigns: Campaign[]; leftOut: number } {
  const enough = ads.filter(({ members }) => members.length >= minimumUsers);
  if (enough.length < 2) {
    const sizes = ads.map(({ members }) => members.length).sort((a, b) => b - a);
    throw new AppError(
      'invalid_data',
      `${enough.length} ads have at least ${minimumUsers} seeds, but two are needed: ` +
        `the largest have ${sizes.slice(0, 5).join(', ')}`,
    );
  }
  const isTest = new Set<Ad>();
  for (const group of ['large', 'small'] as const) {
    const own = enough.filter((ad) => groupOf(ad, threshold) === group);
    const places = sample(rng.fork(group), Int32Array.from(own.keys()), Math.round(testShare * own.length));
    for (const place of places) isTest.add(own[place]!);
  }
  const campaigns = enough.map((ad): Campaign => {
    return { ad, split: isTest.has(ad) ? 'test' : 'train', group: groupOf(ad, threshold) };
  });
  const some = ads.filter(({ members }) => members.length > 0);
  return { campaigns, leftOut: some.length - enough.length };
}

function groupOf({ members }: Ad, threshold: number): 'small' | 'large' {
  return members.length > threshold ? 'large' : 'small';
}

interface Tools {
  readonly counts: MadeCounts;
  readonly rng: Rng;
}

function* written(
  campaigns: readonly Campaign[],
  users: TextTable,
  options: TencentOptions,
  { counts, rng }: Tools,
): Generator<WrittenCampaign> {
  const everybody = new Others(new Uint8Array(users.count).fill(1));
  for (const [i, { ad, split, group }] of campaigns.entries()) {
    counts.addCampaign(split, group);
    const own = rng.fork(`ad/${ad.id}`);
    const { negatives } = options;
    const others = negatives === null ? ad.others : everybody.draw(ad.members, negatives * ad.members.length, own);
    const record = { campaign_id: `ad${ad.id}`, ...ad.record, split, ...(split === 'test' ? { group } : {}) };
    yield { record, rows: adRows({ ...ad, others }, split, users, { counts, rng: own }) };
    options.onProgress(`writing ${i + 1} of ${campaigns.length} campaigns`);
  }
}

/**
 * The rows of an ad. In a train campaign, all rows are train rows; in a test campaign, half are for adaptation and half
 * for evaluation.
 */
function* adRows(
  { id, members, others }: Ad,
  split: 'train' | 'test',
  users: TextTable,
  { counts, rng }: Tools,
): Generator<string> {
  const campaign = `ad${id}`;
  if (split === 'train') {
    yield* rowsOf(campaign, users, members, '1,train');
    yield* rowsOf(campaign, users, others, '0,train');
    counts.rows.train += members.length + others.length;
    return;
  }
  for (const [label, all] of [
    [1, members],
    [0, others],
  ] as const) {
    const shuffled = sample(rng, all, all.length);
    const half = Math.floor(all.length / 2);
    yield* rowsOf(campaign, users, shuffled.subarray(0, half).sort(), `${label},seed`);
    yield* rowsOf(campaign, users, shuffled.subarray(half).sort(), `${label},eval`);
    counts.rows.seed += half;
    counts.rows.eval += all.length - half;
  }
}

function notesOf(
  ads: readonly Ad[],
  { threshold, minimumUsers, negatives }: TencentOptions,
  leftOut: number,
): string[] {
  const withSeeds = ads.filter(({ members }) => members.length > 0);
  const large = withSeeds.filter((ad) => groupOf(ad, threshold) === 'large').length;
  const notes = [
    `${large} of ${withSeeds.length} ads have more than ${threshold} seeds and are large; the other ads are small`,
  ];
  if (leftOut > 0)
    notes.push(`${leftOut} ads have fewer than ${minimumUsers} seeds and are left out (--minimum-users)`);
  const shown = 'the users with label -1 in the log';
  const others = negatives === null ? shown : `drawn at random, ${negatives} per member`;
  return [...notes, `the non-members of a campaign are ${others}`];
}
