/** A user's features as human-readable text from the population. */
import { isTokenColumn, type NumberColumn, type Population, startOf } from '../population/read.ts';

/** Maximum number of tokens shown per list. */
const SHOWN_TOKENS = 3;

/**
 * Returns the features of users as text, one row per user number. A missing value is `-`; a list is, for example,
 * `a, b, c +2`.
 */
export function readTraits(population: Population, users: Int32Array, features: readonly string[]): string[][] {
  const rows = population.readRows(users.map((user) => population.rowOf[user]!));
  return Array.from(users, (_, r) =>
    features.map((feature) => {
      const column = rows.columns.get(feature)!;
      if (!isTokenColumn(column)) return describeNumbers(column, r);
      const codes = column.codes.subarray(startOf(column, r), startOf(column, r + 1));
      const dictionary = population.dictionary(feature);
      const tokens = Array.from(codes)
        .filter((code) => code !== 0)
        .map((code) => dictionary.token(code));
      const more = tokens.length - SHOWN_TOKENS;
      return tokens.length === 0 ? '-' : tokens.slice(0, SHOWN_TOKENS).join(', ') + (more > 0 ? ` +${more}` : '');
    }),
  );
}

function describeNumbers({ size, values }: NumberColumn, row: number): string {
  const own = values.subarray(row * size, (row + 1) * size);
  if (Number.isNaN(own[0]!)) return '-';
  const shown = Array.from(own.subarray(0, SHOWN_TOKENS), (value) => String(Number(value.toPrecision(4)))).join(', ');
  return size > SHOWN_TOKENS ? `${shown} +${size - SHOWN_TOKENS}` : shown;
}
