/** A small log with a known answer, and the data set that a converter writes from it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeInteractions } from '../../../src/dataset/converters/interactions.ts';
import type { InteractionsOptions } from '../../../src/dataset/converters/interactions-material.ts';
import { NO_TYPES } from '../../../src/dataset/converters/typed-columns.ts';
import { openDelimited } from '../../../src/dataset/delimited-source.ts';
import { openRows } from '../../../src/dataset/open-rows.ts';
import { jsonLines } from '../../fixture/json-lines.ts';

export const USERS = 60;

/**
 * Rows of (user, item, day). Users u0 .. u59 take 12 of the items h0 .. h27, in January; camp<n> is taken by forty
 * users, in month n + 1, and `twin` by those of camp2.
 */
export function smallLog(): string[] {
  const rows: string[] = [];
  for (let user = 0; user < USERS; user++) {
    for (let day = 0; day < 12; day++) rows.push(`u${user},h${(user + 5 * day) % 28},2026-01-${day + 10}`);
    for (let c = 0; c < 8; c++) {
      if ((user * 7 + c * 5) % 9 < 3) continue;
      const time = `2026-0${c + 1}-${10 + (user % 18)}`;
      rows.push(`u${user},camp${c},${time}`);
      if (c === 2) rows.push(`u${user},twin,${time}`);
    }
  }
  return rows;
}

export interface MadeFolder {
  readonly description: {
    user_features: { name: string; kind: string; max_length?: number }[];
    campaign_features: { name: string; kind: string }[];
  };
  readonly users: ReadonlyMap<string, Record<string, unknown> & { history: string[] }>;
  readonly campaigns: ReadonlyMap<string, Record<string, unknown>>;
  /** Users by campaign and `label,stage`. */
  usersOf(campaign: string, rest: string): string[];
  /** The time in their row, as written; null if there is no such column. */
  timeOf(campaign: string, user: string): string | null;
}

export function readMade(folder: string): MadeFolder {
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const records = (name: string) => jsonLines(text(name));
  const rows = text('interactions.csv')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  return {
    description: JSON.parse(text('dataset.json')),
    users: new Map(records('users.ndjson').map((user) => [user.user_id, user])),
    campaigns: new Map(records('campaigns.ndjson').map((campaign) => [campaign.campaign_id, campaign])),
    usersOf: (campaign, rest) =>
      rows.filter(([c, , label, stage]) => c === campaign && `${label},${stage}` === rest).map(([, user]) => user!),
    timeOf: (campaign, user) => rows.find(([c, u]) => c === campaign && u === user)![4] ?? null,
  };
}

/** Options that make campaigns of camp0 .. camp7, or of some of them. */
export async function optionsOf(
  folder: string,
  {
    rows = smallLog(),
    users,
    items,
    ...more
  }: Partial<Omit<InteractionsOptions, 'users' | 'items'>> & {
    rows?: readonly string[];
    users?: string;
    items?: string;
  } = {},
): Promise<InteractionsOptions> {
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  return {
    out: join(folder, 'out'),
    log: await openDelimited(file('log.csv', ['user,item,day', ...rows, ''].join('\n'))),
    columns: { user: 'user', item: 'item', time: 'day' },
    users: users === undefined ? null : await openRows(file('users.ndjson', users)),
    items: items === undefined ? null : await openRows(file('items.csv', items)),
    leaveOut: [],
    separator: '|',
    history: 50,
    beforeTest: false,
    seed: '1',
    onProgress: () => {},
    where: [],
    excludeItems: [],
    excludeListed: [],
    userFeatures: [],
    itemFeatures: [],
    types: NO_TYPES,
    minimumUsers: 36,
    campaigns: 8,
    testShare: 0.5,
    seeds: [5, 15],
    ...more,
  };
}

export async function make(folder: string, options: Parameters<typeof optionsOf>[1] = {}) {
  const made = await makeInteractions(await optionsOf(folder, options));
  return { made, read: readMade(join(folder, 'out')) };
}
