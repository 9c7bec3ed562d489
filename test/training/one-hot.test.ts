/** The one-hot matrix of a real population. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { buildOneHot, findColumn, type OneHot, withoutColumns } from '../../src/training/history/one-hot.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const USERS = [
  { user_id: 'a', city: 'Rome', likes: ['x', 'y', 'x', 'z'] },
  { user_id: 'b', city: 'Oslo', likes: [] },
  { user_id: 'c', city: null, likes: ['z'] },
];
const USER_FEATURES = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi' },
];

const features: readonly Feature[] = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi', maxLength: 3 },
];

let root = '';
let population: Population;
let oneHot: OneHot;

async function importUsers(folder: string, users: readonly object[]): Promise<Population> {
  const source = join(root, folder);
  mkdirSync(source);
  writeFileSync(
    join(source, 'dataset.json'),
    JSON.stringify({ name: 'tiny', user_features: USER_FEATURES, campaign_features: [] }),
  );
  writeFileSync(join(source, 'users.ndjson'), users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  const out = join(root, 'population');
  await importPopulation({ source, features: features, out });
  return openPopulation(out);
}

beforeAll(async () => {
  root = temporaryFolder();
  population = await importUsers('first', USERS);
  oneHot = buildOneHot(population, features);
});

/** Tokens of a user as `feature=token`. */
function tokensOf({ offsets, tokens }: OneHot, of: Population, userId: string): string[] {
  const user = of.directory.find(userId);
  const cities = of.dictionary('city');
  return Array.from(tokens.subarray(offsets[user]!, offsets[user + 1]!), (token) =>
    token < cities.size ? `city=${cities.token(token)}` : `likes=${of.dictionary('likes').token(token - cities.size)}`,
  );
}

describe('buildOneHot', () => {
  it('gives every user their tokens, none twice, lists cut to maxLength', () => {
    expect(tokensOf(oneHot, population, 'a')).toEqual(['city=Rome', 'likes=x', 'likes=y']);
    expect(tokensOf(oneHot, population, 'b')).toEqual(['city=Oslo']);
  });

  it('returns no token for what is missing', () => {
    expect(tokensOf(oneHot, population, 'c')).toEqual(['likes=z']);
  });

  it('lists the users in the version, without tokens for one who left it', async () => {
    expect([...oneHot.users]).toEqual([0, 1, 2]);
    const next = await importUsers('second', [{ user_id: 'd', city: 'Rome', likes: ['z'] }, USERS[0]!]);
    const nextHot = buildOneHot(next, features);
    expect([...nextHot.users]).toEqual([next.directory.find('a'), next.directory.find('d')]);
    expect(tokensOf(nextHot, next, 'b')).toEqual([]);
    expect(tokensOf(nextHot, next, 'd')).toEqual(['city=Rome', 'likes=z']);
    expect(tokensOf(nextHot, next, 'a')).toEqual(['city=Rome', 'likes=x', 'likes=y']);
  });
});

describe('withoutColumns', () => {
  it('removes some tokens from all who have them, and changes nothing else', () => {
    const isOut = new Uint8Array(oneHot.width);
    for (const token of ['x', 'z']) isOut[findColumn(population, features, 'likes', token)] = 1;
    const before = structuredClone(oneHot);
    const left = withoutColumns(oneHot, isOut);
    expect(['a', 'b', 'c'].map((user) => tokensOf(left, population, user))).toEqual([
      ['city=Rome', 'likes=y'],
      ['city=Oslo'],
      [],
    ]);
    expect([left.width, left.users]).toEqual([oneHot.width, oneHot.users]);
    expect(left.tokens).toHaveLength(3);
    expect(oneHot).toEqual(before);
  });
});

describe('findColumn', () => {
  it('numbers tokens as the matrix does', () => {
    const user = population.directory.find('a');
    const found = [findColumn(population, features, 'city', 'Rome'), findColumn(population, features, 'likes', 'y')];
    const own = oneHot.tokens.subarray(oneHot.offsets[user]!, oneHot.offsets[user + 1]!);
    expect(found).toEqual([own[0], own[2]]);
  });

  it('finds no column for an unknown token, an empty one or a missing feature', () => {
    expect(findColumn(population, features, 'likes', 'Rome')).toBe(-1);
    expect(findColumn(population, features, 'likes', '')).toBe(-1);
    expect(findColumn(population, features, 'past_campaigns', 'x')).toBe(-1);
  });
});
