/**
 * Derives the data set `once` from a data set in which users are members of several campaigns. In `once`, which has 40
 * of the campaigns, each user is a member of at most one.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DataSet, getDataSetFile, openDataSet } from '../../../src/dataset/data-set.ts';
import {
  sampleSeeds,
  testRows,
  trainRows,
  type WrittenCampaign,
  writeDataSet,
} from '../../../src/dataset/data-set-writer.ts';
import { readLines } from '../../../src/dataset/lines.ts';
import { parseRecord } from '../../../src/dataset/records.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createRng, type Rng, sampleWithoutReplacement } from '../../../src/lib/rng.ts';
import { type CampaignHistory, readHistory } from '../../../src/training/history/history.ts';

/** Number of campaigns in each split. */
const CAMPAIGNS = 20;
const SEEDS = { small: 30, large: 60 } as const;
const TRAIN_MEMBERS = 500;

interface OnceOptions {
  /** The source data set, with at least 20 train and 20 test campaigns. */
  readonly data: string;
  /** The folder to write, which must not exist. */
  readonly out: string;
}

/**
 * Draws 20 train and 20 test campaigns at random. Each user stays a member of only one campaign, drawn from the user's
 * campaigns with P ~ 1 / (number of members in the campaign), so that small campaigns keep some members. Users and
 * features do not change. The ten test campaigns with the most members are `large` (60 seeds), the others `small` (30
 * seeds, at most half of the members); all other users are eval rows. Equal source data sets produce equal bytes.
 * Throws an invalid_argument error if `out` exists, and an invalid_data error if there are too few campaigns.
 */
export async function deriveOnce({ data, out }: OnceOptions): Promise<void> {
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const dataSet = openDataSet(data);
  const ids = await readUserIds(dataSet);
  const numbers = new Map(ids.map((id, user) => [id, user]));
  const { campaigns } = await readHistory(dataSet, { find: (id) => numbers.get(id) ?? -1 });
  const rng = createRng('bench/once');
  const sampled = (['train', 'test'] as const).flatMap((split) => sampleCampaigns(campaigns, split, rng.fork(split)));
  const members = assignUsers(sampled.map(membersOf), ids.length, rng.fork('users'));
  const source = JSON.parse(await readFile(join(data, 'dataset.json'), 'utf8')) as object;

  mkdirSync(out, { recursive: true });
  const users = getDataSetFile(dataSet, 'users.ndjson');
  await copyFile(users, join(out, basename(users)));
  await writeDataSet(out, {
    users: null,
    campaigns: campaignsOf(sampled, members, (user) => ids[user]!, rng),
    description: {
      ...source,
      name: 'once',
      made: `Derived from ${dataSet.name}: ${2 * CAMPAIGNS} of its campaigns; each user is a member of at most one campaign.`,
      counts: { users: ids.length, campaigns_train: CAMPAIGNS, campaigns_test: CAMPAIGNS },
    },
  });
}

async function readUserIds(dataSet: DataSet): Promise<string[]> {
  const path = getDataSetFile(dataSet, 'users.ndjson');
  const ids: string[] = [];
  for await (const { firstLine, lines } of readLines(path))
    for (const [i, line] of lines.entries()) {
      const id = parseRecord(line, path, firstLine + i)?.['user_id'];
      if (typeof id === 'string') ids.push(id);
    }
  return ids;
}

function sampleCampaigns(campaigns: readonly CampaignHistory[], split: 'train' | 'test', rng: Rng): CampaignHistory[] {
  const own = campaigns.filter((campaign) => campaign.split === split);
  if (own.length < CAMPAIGNS)
    throw new AppError(
      'invalid_data',
      `the data set has ${own.length} ${split} campaigns, but ${CAMPAIGNS} are needed`,
    );
  return [...sampleWithoutReplacement(rng, own.length, CAMPAIGNS)].map((i) => own[i]!);
}

function membersOf({ train, seeds, evaluation }: CampaignHistory): Set<number> {
  const known = [train, evaluation].flatMap(({ users, labels }) => [...users.filter((_, i) => labels[i] === 1)]);
  return new Set([...seeds, ...known]);
}

/**
 * Assigns each user to one of the campaigns that the user is a member of. Returns the members of each campaign,
 * `[campaigns][users]`.
 */
function assignUsers(campaigns: readonly ReadonlySet<number>[], users: number, rng: Rng): Uint8Array[] {
  const isMember = campaigns.map(() => new Uint8Array(users));
  for (let user = 0; user < users; user++) {
    const own = [...campaigns.keys()].filter((c) => campaigns[c]!.has(user));
    let left = rng.uniform() * own.reduce((sum, c) => sum + 1 / campaigns[c]!.size, 0);
    const chosen = own.find((c) => {
      left -= 1 / campaigns[c]!.size;
      return left < 0;
    });
    if (own.length > 0) isMember[chosen ?? own.at(-1)!]![user] = 1;
  }
  return isMember;
}

function* campaignsOf(
  sampled: readonly CampaignHistory[],
  members: readonly Uint8Array[],
  idOf: (user: number) => string,
  rng: Rng,
): Generator<WrittenCampaign> {
  const sizeOf = (c: number): number => members[c]!.reduce((sum, one) => sum + one, 0);
  const bySize = [...sampled.keys()].slice(CAMPAIGNS).sort((a, b) => sizeOf(b) - sizeOf(a) || a - b);
  const large = new Set(bySize.slice(0, CAMPAIGNS / 2));
  for (const [c, { id, features, split }] of sampled.entries()) {
    const stream = rng.fork(id);
    const membership = { id, isMember: members[c]!, idOf };
    const record = { campaign_id: id, ...features, split };
    if (split === 'train') {
      yield { record, rows: trainRows(membership, TRAIN_MEMBERS, stream) };
      continue;
    }
    const group = large.has(c) ? 'large' : 'small';
    yield { record: { ...record, group }, rows: testRows(membership, sampleSeeds(members[c]!, SEEDS[group], stream)) };
  }
}
