/** Converts a MovieLens download to a data set, using `interactions.ts`. Films are the items. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import type { DelimitedOptions } from '../delimited-source.ts';
import { openRows } from '../open-rows.ts';
import type { RowSource, Value } from '../row-source.ts';
import { makeInteractions } from './interactions.ts';
import type { InteractionsOptions } from './interactions-material.ts';
import type { MadeDataSet } from './new-data-set.ts';
import { NO_TYPES } from './typed-columns.ts';

export type MovieLensOptions = Omit<
  InteractionsOptions,
  'log' | 'columns' | 'users' | 'items' | 'leaveOut' | 'separator' | 'beforeTest' | keyof typeof NOTHING_OF_THE_LOG
> & {
  /** The folder of the unzipped download. */
  readonly folder: string;
};

/** Options of `makeInteractions` that are not used here, because all rows count and features come only from tables. */
const NOTHING_OF_THE_LOG = {
  where: [],
  excludeItems: [],
  excludeListed: [],
  userFeatures: [],
  itemFeatures: [],
  types: NO_TYPES,
};

/** The download page. */
const HOME = 'https://grouplens.org/datasets/movielens/';
/** The files of MovieLens 1M. They have no headers, and titles are in Latin-1. */
const OF_1M: DelimitedOptions = { delimiter: '::', encoding: 'latin-1' };
const USERS_OF_1M = ['user', 'gender', 'age', 'occupation', 'zip'];
const MOVIES_OF_1M = ['item', 'title', 'genres'];
const RATINGS_OF_1M = ['user', 'item', 'rating', 'time'];
/** The files of later releases, which have headers. */
const RATINGS = { userId: 'user', movieId: 'item', rating: 'rating', timestamp: 'time' };
const MOVIES = { movieId: 'item', title: 'title', genres: 'genres' };

/**
 * Converts a download. Users who rated a film count as liking the film. User ids look like `u1` and film ids like `m1`.
 * The features of a film are its genres and the decade of the year in its title. In MovieLens 1M, the features of a
 * user are gender, age, occupation and the first three digits of the zip code. Errors: the errors of
 * `makeInteractions`; AppError `invalid_argument` if files are missing; the message names the files and says where to
 * get them.
 */
export async function makeMovieLens({ folder, ...options }: MovieLensOptions): Promise<MadeDataSet> {
  const { ratings, movies, users } = await openFiles(folder);
  return await makeInteractions({
    ...options,
    log: withIds(ratings),
    items: describeFilms(withIds(movies)),
    users: users && describePeople(withIds(users)),
    columns: { user: 'user', item: 'item', time: 'time' },
    leaveOut: [],
    separator: '|',
    beforeTest: false,
    ...NOTHING_OF_THE_LOG,
  });
}

async function openFiles(folder: string) {
  const path = (name: string) =>
    [name, `${name}.gz`].map((file) => join(folder, file)).find((file) => existsSync(file));
  const [ratings, movies, users] = ['ratings.dat', 'movies.dat', 'users.dat'].map(path);
  if (ratings && movies && users)
    return {
      ratings: await openRows(ratings, { ...OF_1M, columns: RATINGS_OF_1M }),
      movies: await openRows(movies, { ...OF_1M, columns: MOVIES_OF_1M }),
      users: await openRows(users, { ...OF_1M, columns: USERS_OF_1M }),
    };
  const [ratingsCsv, moviesCsv] = ['ratings.csv', 'movies.csv'].map(path);
  if (ratingsCsv && moviesCsv)
    return {
      ratings: rename(await openRows(ratingsCsv, { delimiter: ',' }), RATINGS),
      movies: rename(await openRows(moviesCsv, { delimiter: ',' }), MOVIES),
      users: null,
    };
  throw new AppError(
    'invalid_argument',
    `${folder} has neither ratings.dat, movies.dat and users.dat (MovieLens 1M) nor ratings.csv and movies.csv ` +
      `(MovieLens 10M and later); download them from ${HOME}`,
  );
}

type Change = (values: readonly Value[], columns: readonly string[]) => readonly Value[];

/** A source with renamed columns. */
function rename(source: RowSource, names: Readonly<Record<string, string>>): RowSource {
  const back = new Map(Object.entries(names).map(([from, to]) => [to, from]));
  const columns = source.columns.map((name) => names[name] ?? name);
  return { path: source.path, columns, read: (wanted) => source.read(wanted.map((name) => back.get(name) ?? name)) };
}

/** A source with changed values. */
function change(source: RowSource, apply: Change): RowSource {
  async function* read(columns: readonly string[]) {
    for await (const rows of source.read(columns))
      yield rows.map(({ line, values }) => ({ line, values: apply(values, columns) }));
  }
  return { ...source, read };
}

function withIds(source: RowSource): RowSource {
  const prefixes: Readonly<Record<string, string>> = { user: 'u', item: 'm' };
  return change(source, (values, columns) =>
    values.map((value, i) => {
      const prefix = prefixes[columns[i]!];
      return prefix !== undefined && value !== null ? `${prefix}${value}` : value;
    }),
  );
}

/** The source with a column `decade` in place of the title. */
function describeFilms(source: RowSource): RowSource {
  return deriveColumn(source, 'title', 'decade', (title) => {
    const year = /\((\d{3})\d\)\s*$/.exec(title)?.[1];
    return year === undefined ? null : `${year}0s`;
  });
}

/** The source with a column `zip3` in place of the zip code. */
function describePeople(source: RowSource): RowSource {
  return deriveColumn(source, 'zip', 'zip3', (zip) => zip.slice(0, 3));
}

function deriveColumn(source: RowSource, from: string, to: string, derive: (text: string) => string | null): RowSource {
  return change(rename(source, { [from]: to }), (values, columns) =>
    values.map((value, i) => (columns[i] === to && typeof value === 'string' ? derive(value) : value)),
  );
}
