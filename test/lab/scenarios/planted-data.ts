/** A generated data set as plain values, with the measurements of its tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonLines } from '../../fixture/json-lines.ts';

type Value = string | readonly string[] | null;

export interface PlantedData {
  /** By user: feature -> tokens. */
  readonly users: readonly Readonly<Record<string, readonly string[]>>[];
  readonly campaigns: readonly {
    readonly split: 'train' | 'test';
    readonly group?: 'small' | 'large';
    readonly seeds: number;
    /** Users with label 1 in any of its rows. */
    readonly members: ReadonlySet<number>;
  }[];
}

/** Reads the four files directly, without the readers that other tests cover. */
export function readPlanted(folder: string): PlantedData {
  const records = (file: string) => jsonLines(readFileSync(join(folder, file), 'utf8')) as Record<string, Value>[];
  const users = records('users.ndjson');
  const numberOf = new Map(users.map(({ user_id }, user) => [user_id, user]));
  const campaigns = new Map(
    records('campaigns.ndjson').map(({ campaign_id, split, group }) => [
      campaign_id as string,
      {
        ...{ split: split as 'train' | 'test', seeds: 0, members: new Set<number>() },
        ...(group ? { group: group as 'small' | 'large' } : {}),
      },
    ]),
  );
  for (const line of readFileSync(join(folder, 'interactions.csv'), 'utf8').trimEnd().split('\n').slice(1)) {
    const [campaign, user, label, stage] = line.split(',');
    const own = campaigns.get(campaign!)!;
    if (stage === 'seed') own.seeds += 1;
    if (label === '1') own.members.add(numberOf.get(user!)!);
  }
  return {
    users: users.map(({ user_id: _, ...traits }) =>
      Object.fromEntries(
        Object.entries(traits).map(([name, value]) => [name, value === null ? [] : [value as string].flat()]),
      ),
    ),
    campaigns: [...campaigns.values()],
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** By token of a feature, the users that have it. */
export function holdersOf({ users }: PlantedData, feature: string): ReadonlyMap<string, ReadonlySet<number>> {
  const holders = new Map<string, Set<number>>();
  for (const [user, traits] of users.entries()) {
    for (const token of traits[feature]!) {
      const own = holders.get(token);
      if (own) own.add(user);
      else holders.set(token, new Set([user]));
    }
  }
  return holders;
}

export function countShared(one: ReadonlySet<number>, other: ReadonlySet<number>): number {
  let shared = 0;
  for (const user of one) if (other.has(user)) shared += 1;
  return shared;
}

/** Correlation of two sets as 0/1 variables over `users`. */
export function phi(one: ReadonlySet<number>, other: ReadonlySet<number>, users: number): number {
  const [p, q, both] = [one.size / users, other.size / users, countShared(one, other) / users];
  return (both - p * q) / Math.sqrt(p * (1 - p) * q * (1 - q));
}
