/** Determines whether the strings in a column are lists, and which separator the lists use. */
import { NUMBER, type TextList } from '../kinds/column-facts.ts';
import { quoteText } from '../kinds/column-plan.ts';
import { type Database, numberOf } from './database.ts';

/** Separators to try, beginning with those that are rare in prose. */
const SEPARATORS = ['|', ';', ',', ' '] as const;
/** Minimum share of strings that must contain the separator. */
const LEAST_TEXTS = 0.05;
/**
 * Minimum share of parts that must also occur in other strings, and minimum share of parts that must occur at different
 * positions. Names ("Smith, John"), places and prose contain commas too, but their parts are always at the same
 * position or occur in only one string.
 */
const EVIDENCE: Readonly<Record<string, { readonly repeated: number; readonly moved: number }>> = {
  '|': { repeated: 0.1, moved: 0 },
  ';': { repeated: 0.1, moved: 0 },
  ',': { repeated: 0.5, moved: 0.5 },
};

/**
 * The kind of lists in the strings of `column` (an SQL expression) in the table `sample`; null if the strings are
 * single values.
 */
export async function findTextList(column: string, database: Database): Promise<TextList | null> {
  for (const separator of SEPARATORS) {
    const found = await measure(column, separator, database);
    if (found !== null) return found;
  }
  return null;
}

async function measure(column: string, mark: string, database: Database): Promise<TextList | null> {
  const by = quoteText(mark);
  const [texts] = await database.rows(
    `SELECT count(*) AS n, count(*) FILTER (contains(t, ${by})) AS marked,
       count(*) FILTER (contains(replace(t, ${by} || ' ', ''), ${by})) AS tight,
       min(len(string_split(t, ${by}))) AS shortest, max(len(string_split(t, ${by}))) AS longest,
       count(*) FILTER (list_bool_and(list_transform(string_split(t, ${by}),
         lambda p: regexp_full_match(trim(p), ${quoteText(NUMBER)})))) AS numbers,
       count(*) FILTER (contains(t, '.')) AS fractions
     FROM (SELECT NULLIF(trim(${column}), '') AS t FROM sample) WHERE t IS NOT NULL`,
  );
  const [all, values] = [numberOf(texts, 'n'), numberOf(texts, 'marked')];
  if (values === 0 || values < LEAST_TEXTS * all) return null;
  const [shortest, longest] = [numberOf(texts, 'shortest'), numberOf(texts, 'longest')];
  const isVector = numberOf(texts, 'numbers') === all && numberOf(texts, 'fractions') > 0 && shortest === longest;
  const separator = numberOf(texts, 'tight') === 0 && mark !== ' ' ? `${mark} ` : mark;
  if (isVector) return { separator, values, kind: 'numbers', size: longest };
  const least = EVIDENCE[mark];
  if (least === undefined) return null;
  const [parts] = await database.rows(
    `WITH texts AS (SELECT row_number() OVER () AS text, string_split(${column}, ${by}) AS list FROM sample
         WHERE ${column} <> ''),
       parts AS (SELECT text, trim(unnest(list)) AS part, generate_subscripts(list, 1) AS place, len(list) AS n
         FROM texts),
       tokens AS (SELECT part, count(DISTINCT text) AS texts, count(DISTINCT place) AS places,
         count(*) FILTER (n > 1) AS listed FROM parts WHERE part <> '' GROUP BY part)
     SELECT sum(listed)::DOUBLE AS n, sum(listed) FILTER (texts > 1)::DOUBLE AS repeated,
       sum(listed) FILTER (places > 1)::DOUBLE AS moved FROM tokens`,
  );
  const share = (name: string) => Number(parts?.[name] ?? 0) / Math.max(1, Number(parts?.['n'] ?? 0));
  const isList = share('repeated') >= least.repeated && share('moved') >= least.moved;
  return isList ? { separator, values, kind: 'tokens', size: 0 } : null;
}
