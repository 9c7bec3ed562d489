/** Tiny MovieLens downloads of both formats. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeMovieLens } from '../../../src/dataset/converters/movielens.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf } from '../../population/support.ts';
import { readMade } from './small-log.ts';

const newFolder = useFolders();

const RATINGS = Array.from({ length: 40 }, (_, user) =>
  Array.from({ length: 12 }, (_, i) => [
    user + 1,
    1 + ((5 * user + i * i + i) % 24),
    1 + (i % 5),
    978_300_000 + 1000 * i,
  ]),
).flat();
const TITLES = Array.from({ length: 24 }, (_, i) => [
  i + 1,
  `Film ${i}, The (19${70 + i})`,
  i % 2 ? 'Comedy|Drama' : 'War',
]);

function write(files: Record<string, string | Uint8Array>): string {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

async function make(folder: string) {
  const out = join(folder, 'out');
  const made = await makeMovieLens({
    folder,
    out,
    minimumUsers: 10,
    campaigns: 6,
    testShare: 0.5,
    seeds: [4, 8],
    history: 50,
    seed: '1',
    onProgress: () => {},
  });
  return { made, read: readMade(out) };
}

const dat = (rows: readonly (readonly unknown[])[]) =>
  Buffer.from(rows.map((row) => `${row.join('::')}\n`).join(''), 'latin1');

describe('makeMovieLens', () => {
  it('reads MovieLens 1M: people with traits, films with genres and a decade', async () => {
    const people = Array.from({ length: 40 }, (_, i) => [
      i + 1,
      i % 2 ? 'F' : 'M',
      18 + (i % 3),
      i % 5,
      `480${i % 7}7-123`,
    ]);
    const folder = write({
      'ratings.dat': dat(RATINGS),
      'users.dat': dat(people),
      'movies.dat': dat([[25, 'Mis\u00e9rables, Les (1995)', 'Drama'], ...TITLES]),
    });
    const { made, read } = await make(folder);
    expect(made).toMatchObject({ users: 40, trainCampaigns: 3 });
    expect(read.description.user_features.map(({ name }) => name)).toEqual(['gender', 'age', 'occupation', 'history']);
    expect(read.users.get('u2')).toMatchObject({ gender: 'F', age: '19', occupation: '1' });
    expect(read.users.get('u2')!.history.every((film) => /^m\d+$/.test(film))).toBe(true);
    const [id, film] = [...read.campaigns][0]!;
    const place = Number(id.slice(1)) - 1;
    expect(film['decade']).toBe(place < 10 ? '1970s' : place < 20 ? '1980s' : '1990s');
    expect(film['genres']).toEqual(place % 2 ? ['Comedy', 'Drama'] : ['War']);
  });

  it('reads later downloads, which have headers and no people', async () => {
    const csv = (header: string, rows: readonly (readonly unknown[])[]) =>
      `${header}\n${rows.map((row) => `${row.map((field) => (`${field}`.includes(',') ? `"${field}"` : field)).join(',')}\n`).join('')}`;
    const folder = write({
      'ratings.csv': csv('userId,movieId,rating,timestamp', RATINGS),
      'movies.csv': csv('movieId,title,genres', TITLES),
    });
    const { read } = await make(folder);
    expect(read.description.user_features.map(({ name }) => name)).toEqual(['history']);
    expect(read.description.campaign_features.map(({ name }) => name)).toEqual(['decade', 'genres']);
    expect([...read.campaigns.keys()].every((id) => /^m\d+$/.test(id))).toBe(true);
  });

  it('names the missing files, and where to get them', async () => {
    const error = await refusalOf(() => make(write({ 'ratings.dat': '' })));
    expect(error.message).toContain('users.dat');
    expect(error.message).toContain('https://grouplens.org/');
  });
});
