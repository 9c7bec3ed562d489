/** Creates data sets: `metaheac dataset interactions`, `movielens`, `tencent` and `generate`. */

import { existsSync } from 'node:fs';
import type { CampaignChoice } from '../../../dataset/converters/choose-campaigns.ts';
import { makeInteractions } from '../../../dataset/converters/interactions.ts';
import { makeMovieLens } from '../../../dataset/converters/movielens.ts';
import type { MadeDataSet } from '../../../dataset/converters/new-data-set.ts';
import { makeTencent } from '../../../dataset/converters/tencent.ts';
import type { DelimitedOptions } from '../../../dataset/delimited-source.ts';
import { type Encoding, readLines } from '../../../dataset/lines.ts';
import { generateDataSet } from '../../../dataset/synthetic/synthetic.ts';
import type { DateOrder } from '../../../dataset/times.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { openTable } from '../../../population/import.ts';

/** Options for choosing campaigns from a log. */
export interface ChoiceOptions {
  minimumUsers?: number;
  campaigns?: number;
  testShare: number;
  seeds: CampaignChoice['seeds'];
  history: number;
  seed: number;
}

export interface DatasetInteractionsOptions extends ChoiceOptions {
  in: string;
  out: string;
  user: string;
  item: string;
  time?: string;
  users?: string;
  items?: string;
  /** Column names of a log without a header. */
  header?: readonly string[];
  delimiter?: string;
  encoding: Encoding;
  separator: string;
  leaveOut: readonly string[];
  where: readonly string[];
  excludeItems: readonly string[];
  excludeItemsFile?: string;
  userFeatures: readonly string[];
  itemFeatures: readonly string[];
  numbers: readonly string[];
  dates: readonly string[];
  vectors: readonly string[];
  words: readonly string[];
  decimalComma?: boolean;
  dateFormat?: DateOrder;
  beforeTest?: boolean;
}

export async function datasetInteractionsCommand(options: DatasetInteractionsOptions, output: Output): Promise<void> {
  const { header, delimiter, encoding } = options;
  const format: DelimitedOptions = { encoding, ...(delimiter === undefined ? {} : { delimiter }) };
  const { numbers, dates, vectors, words, decimalComma = false, dateFormat = null } = options;
  const excludeListed = options.excludeItemsFile === undefined ? [] : await readList(options.excludeItemsFile);
  const made = await makeInteractions({
    ...options,
    excludeListed,
    types: { numbers, dates, vectors, words, decimalComma, dateOrder: dateFormat },
    log: await openTable(options.in, { ...format, ...(header ? { columns: header } : {}) }),
    users: options.users === undefined ? null : await openTable(options.users, format),
    items: options.items === undefined ? null : await openTable(options.items, format),
    columns: { user: options.user, item: options.item, time: options.time ?? null },
    minimumUsers: options.minimumUsers ?? null,
    campaigns: options.campaigns ?? null,
    beforeTest: options.beforeTest ?? false,
    seed: String(options.seed),
    onProgress: (line) => output.progress(line),
  });
  output.result(describeMade(options.out, made));
}

/** The non-empty lines of a file. */
async function readList(path: string): Promise<string[]> {
  const items: string[] = [];
  for await (const { lines } of readLines(path)) items.push(...lines.filter((line) => line !== ''));
  return items;
}

export interface DatasetMovieLensOptions extends ChoiceOptions {
  in: string;
  out: string;
}

export async function datasetMovieLensCommand(options: DatasetMovieLensOptions, output: Output): Promise<void> {
  const made = await makeMovieLens({
    ...options,
    folder: options.in,
    minimumUsers: options.minimumUsers ?? null,
    campaigns: options.campaigns ?? null,
    seed: String(options.seed),
    onProgress: (line) => output.progress(line),
  });
  output.result(describeMade(options.out, made));
}

export interface DatasetTencentOptions {
  in: string;
  out: string;
  threshold: number;
  testShare: number;
  minimumUsers: number;
  negatives?: number;
  seed: number;
}

export async function datasetTencentCommand(options: DatasetTencentOptions, output: Output): Promise<void> {
  const made = await makeTencent({
    ...options,
    folder: options.in,
    negatives: options.negatives ?? null,
    seed: String(options.seed),
    onProgress: (line) => output.progress(line),
  });
  output.result(describeMade(options.out, made));
}

export interface DatasetGenerateOptions {
  out: string;
  users: number;
  trainCampaigns: number;
  testCampaigns: number;
  seed: number;
  world: string;
  labels?: boolean;
}

export async function datasetGenerateCommand(options: DatasetGenerateOptions, output: Output): Promise<void> {
  const { out, seed } = options;
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const { users, trainCampaigns, testCampaigns } = await generateDataSet({ ...options, seed: String(seed) });
  output.result(
    `${out}: ${users} synthetic people, ${trainCampaigns} train campaigns, ${testCampaigns.length} test campaigns`,
  );
}

/** Describes a data set in several lines: first its sizes, then which campaigns were chosen and which were left out. */
function describeMade(out: string, { users, trainCampaigns, testCampaigns, rows, notes }: MadeDataSet): string {
  const { small, large, none } = testCampaigns;
  const groups = small + large > 0 ? ` (${small} small, ${large} large)` : '';
  const campaigns = `${trainCampaigns} train campaigns, ${small + large + none} test campaigns${groups}`;
  const total = rows.train + rows.seed + rows.eval;
  return [
    `${out}: ${users} users, ${campaigns}, ${total} interactions`,
    `  interactions: ${rows.train} train, ${rows.seed} seed, ${rows.eval} eval`,
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}
