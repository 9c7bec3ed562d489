/**
 * Reads the campaign history of a data set: campaigns with their features, and the users who liked them, as user
 * numbers in typed arrays.
 */

import { type CampaignValue, readCampaignValue } from '../../dataset/campaign-values.ts';
import { readInteractionsTable } from '../../dataset/csv-table.ts';
import { type DataSet, getDataSetFile } from '../../dataset/data-set.ts';
import type { Feature } from '../../dataset/features.ts';
import { lineError, readLines } from '../../dataset/lines.ts';
import { describe, describeNoToken, findId, type JsonRecord, parseRecord } from '../../dataset/records.ts';
import { RowBuffer } from '../../dataset/row-buffer.ts';
import { parseMoment, TIME_FORMATS } from '../../dataset/times.ts';
import type { CampaignValues } from '../../online/encode.ts';
import type { Reach } from './reach.ts';

/** Rows of one campaign: user numbers and their labels (1 = liked the campaign), in the order of the file. */
export interface LabelledRows {
  readonly users: Int32Array;
  readonly labels: Uint8Array;
  /** Times in milliseconds since 1970, NaN if unknown; absent if no row has a time. */
  readonly times?: Float64Array;
}

/** Rows of the members, then of the others. */
export function labelledRows(members: Int32Array, ...others: readonly Int32Array[]): LabelledRows {
  const users = Int32Array.from([members, ...others].flatMap((list) => [...list]));
  return { users, labels: new Uint8Array(users.length).fill(1, 0, members.length) };
}

/** One past campaign. */
export interface CampaignHistory {
  readonly id: string;
  /** Values as in the file. A feature that is missing or null is left out. */
  readonly features: CampaignValues;
  readonly split: 'train' | 'test';
  readonly group: 'small' | 'large' | null;
  /** Rows of stage `train`. */
  readonly train: LabelledRows;
  /** Users with a row of stage `seed` and label 1, without repeats, ascending. */
  readonly seeds: Int32Array;
  /** Rows of stage `eval`, except the rows of seeds, because a seed is never in an audience. */
  readonly evaluation: LabelledRows;
  /** The users who could be in the campaign's audience; only these users have rows. Absent if everyone could be. */
  readonly reach?: Reach;
}

/** The campaign history of a data set. */
export interface History {
  /** Campaigns that can be used, in the order of the file. */
  readonly campaigns: readonly CampaignHistory[];
  /** Campaigns that cannot be used, with the reason. */
  readonly skipped: readonly { readonly id: string; readonly split: 'train' | 'test'; readonly reason: string }[];
}

/** Translates user ids to user numbers. */
export interface UserFinder {
  /** Returns the user's number, or -1 if the user is unknown. */
  find(userId: string): number;
}

/** Limits of a history. */
const HISTORY_LIMITS = { campaigns: 1_000_000, idBytes: 256 };

/**
 * Reads campaigns.ndjson and interactions.csv (plain or .gz; interactions may come in any order). A train campaign
 * needs rows and a label 1. A test campaign needs seeds, and eval rows of both labels. Campaigns that lack these are
 * listed in `skipped`. Either split may be empty. Errors: AppError `invalid_data` naming file:line for malformed or
 * unknown values.
 */
export async function readHistory(dataSet: DataSet, directory: UserFinder): Promise<History> {
  const drafts = await readCampaigns(getDataSetFile(dataSet, 'campaigns.ndjson'), dataSet.campaignFeatures);
  await readInteractions(getDataSetFile(dataSet, 'interactions.csv'), drafts, directory);

  const campaigns: CampaignHistory[] = [];
  const skipped: { id: string; split: 'train' | 'test'; reason: string }[] = [];
  for (const draft of drafts.values()) {
    const campaign = finishCampaign(draft);
    const reason = campaign.split === 'train' ? faultOfTrain(campaign) : faultOfTest(campaign);
    if (reason === null) campaigns.push(campaign);
    else skipped.push({ id: campaign.id, split: campaign.split, reason });
  }
  return { campaigns, skipped };
}

/** A campaign while its rows are read. */
interface Draft {
  readonly id: string;
  readonly features: CampaignHistory['features'];
  readonly split: 'train' | 'test';
  readonly group: 'small' | 'large' | null;
  readonly train: RowBuffer;
  readonly seed: RowBuffer;
  readonly eval: RowBuffer;
}

async function readCampaigns(path: string, features: readonly Feature[]): Promise<Map<string, Draft>> {
  const drafts = new Map<string, Draft>();
  for await (const { firstLine, lines } of readLines(path)) {
    for (let i = 0; i < lines.length; i++) {
      const line = firstLine + i;
      const record = parseRecord(lines[i]!, path, line);
      if (record === null) continue;
      const draft = parseCampaign(record, features, path, line);
      if (drafts.has(draft.id))
        throw lineError(path, line, `campaign ${JSON.stringify(draft.id)} appears twice`, { value: draft.id });
      if (drafts.size === HISTORY_LIMITS.campaigns) {
        throw lineError(path, line, `more than ${HISTORY_LIMITS.campaigns} campaigns`, {
          limit: HISTORY_LIMITS.campaigns,
        });
      }
      drafts.set(draft.id, draft);
    }
  }
  return drafts;
}

function parseCampaign(record: JsonRecord, features: readonly Feature[], path: string, line: number): Draft {
  const field = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined);
  const id = findId(field('campaign_id'));
  if (id === null || id === '' || Buffer.byteLength(id) > HISTORY_LIMITS.idBytes) {
    const what = id === null ? describeNoToken(field('campaign_id')) : `text of ${Buffer.byteLength(id)} bytes`;
    throw lineError(path, line, `campaign_id is ${what}, not text of 1 to ${HISTORY_LIMITS.idBytes} bytes`, {
      value: field('campaign_id'),
    });
  }
  const split = field('split');
  if (split !== 'train' && split !== 'test') {
    throw lineError(
      path,
      line,
      `the split of campaign ${JSON.stringify(id)} is ${shown(split)}, not "train" or "test"`,
      { value: split },
    );
  }
  const group = field('group') ?? null;
  if (group !== null && group !== 'small' && group !== 'large') {
    throw lineError(
      path,
      line,
      `the group of campaign ${JSON.stringify(id)} is ${shown(group)}, not "small" or "large"`,
      { value: group },
    );
  }
  const refuseValue = (name: string, what: string, value: unknown) =>
    lineError(path, line, `feature ${JSON.stringify(name)} of campaign ${JSON.stringify(id)} is ${what}`, { value });
  const values: [string, CampaignValue][] = [];
  for (const feature of features) {
    const value = field(feature.name) ?? null;
    if (value !== null)
      values.push([feature.name, readCampaignValue(value, feature, (what) => refuseValue(feature.name, what, value))]);
  }
  const rows = { train: new RowBuffer(), seed: new RowBuffer(), eval: new RowBuffer() };
  return { id, features: Object.fromEntries(values), split, group, ...rows };
}

async function readInteractions(
  path: string,
  drafts: ReadonlyMap<string, Draft>,
  directory: UserFinder,
): Promise<void> {
  await readInteractionsTable(path, (fields, line) => addInteraction(fields, drafts, directory, path, line));
}

function addInteraction(
  fields: readonly string[],
  drafts: ReadonlyMap<string, Draft>,
  directory: UserFinder,
  path: string,
  line: number,
): void {
  const [campaignId, userId, label, stage, when] = fields as [string, string, string, string, string | undefined];
  const draft = drafts.get(campaignId);
  if (draft === undefined)
    throw lineError(path, line, `campaign ${shown(campaignId)} is not in campaigns.ndjson`, { value: campaignId });
  const user = directory.find(userId);
  if (user < 0) throw lineError(path, line, `user ${shown(userId)} is not in users.ndjson`, { value: userId });
  if (label !== '0' && label !== '1')
    throw lineError(path, line, `the label is ${shown(label)}, not 0 or 1`, { value: label });
  if (stage !== 'train' && stage !== 'seed' && stage !== 'eval') {
    throw lineError(path, line, `the stage is ${shown(stage)}, not train, seed or eval`, { value: stage });
  }
  const time = when === undefined || when === '' ? null : parseMoment(when);
  if (time === null && when)
    throw lineError(path, line, `the time is ${shown(when)}, not ${TIME_FORMATS}`, { value: when });
  // test campaigns need no times, because their stages separate earlier members from later ones
  draft[stage].add(user, label === '1' ? 1 : 0, stage === 'train' ? time : null);
}

function finishCampaign(draft: Draft): CampaignHistory {
  const { id, features, split, group } = draft;
  const seedRows = draft.seed.rows();
  const seeds = Int32Array.from(new Set(seedRows.users.filter((_, i) => seedRows.labels[i] === 1))).sort();
  return {
    id,
    features,
    split,
    group,
    train: draft.train.rows(),
    seeds,
    evaluation: withoutSeeds(draft.eval.rows(), seeds),
  };
}

function withoutSeeds(rows: LabelledRows, seeds: Int32Array): LabelledRows {
  const isSeed = new Set(seeds);
  return rows.users.some((user) => isSeed.has(user)) ? keepRows(rows, (user) => !isSeed.has(user)) : rows;
}

/** The rows of the users for whom `isKept` returns true. */
export function keepRows({ users, labels, times }: LabelledRows, isKept: (user: number) => boolean): LabelledRows {
  const kept = (_: number, i: number): boolean => isKept(users[i]!);
  return { users: users.filter(kept), labels: labels.filter(kept), ...(times ? { times: times.filter(kept) } : {}) };
}

function faultOfTrain({ train }: CampaignHistory): string | null {
  if (train.users.length === 0) return 'the campaign has no train rows';
  return train.labels.includes(1) ? null : 'no train row has label 1';
}

function faultOfTest({ seeds, evaluation }: CampaignHistory): string | null {
  if (seeds.length === 0) return 'the campaign has no seeds';
  if (!evaluation.labels.includes(1)) return 'no eval row has label 1';
  return evaluation.labels.includes(0) ? null : 'no eval row has label 0';
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : describe(value);
}
