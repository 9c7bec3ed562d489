/** `metaheac dataset interactions`. */

import type { CampaignChoice } from '../../../dataset/converters/choose-campaigns.ts';
import { makeInteractions } from '../../../dataset/converters/interactions.ts';
import type { DelimitedOptions } from '../../../dataset/delimited-source.ts';
import { type Encoding, readLines } from '../../../dataset/lines.ts';
import type { DateOrder } from '../../../dataset/times.ts';
import type { Output } from '../../../lib/output.ts';
import { openTable } from '../../../population/import.ts';
import { describeMade } from './made-data-set.ts';

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
  /** Names of the log's columns if it has no header. */
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
    ...{ excludeListed, types: { numbers, dates, vectors, words, decimalComma, dateOrder: dateFormat } },
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
