/** `metaheac dataset interactions`. */
import type { DelimitedOptions } from '../../dataset/delimited-source.ts';
import type { Encoding } from '../../dataset/lines.ts';
import type { Output } from '../../lib/output.ts';
import type { CampaignChoice } from '../../offline/makers/choose-campaigns.ts';
import { makeInteractions } from '../../offline/makers/interactions.ts';
import { openTable } from '../../population/open-table.ts';
import { describeMade } from '../made-data-set.ts';

/** How campaigns are chosen of a log. */
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
  /** Names of the log's columns, where it has no header. */
  header?: readonly string[];
  delimiter?: string;
  encoding: Encoding;
  separator: string;
  leaveOut: readonly string[];
  beforeTest?: boolean;
}

export async function datasetInteractionsCommand(options: DatasetInteractionsOptions, output: Output): Promise<void> {
  const { header, delimiter, encoding } = options;
  const format: DelimitedOptions = { encoding, ...(delimiter === undefined ? {} : { delimiter }) };
  const made = await makeInteractions({
    ...options,
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
