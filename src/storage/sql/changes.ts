/** The list of changes of active versions, and what differs between two versions. */
import { changesAfter } from '../../domain/audiences.ts';
import { type Change, VERSION_PARTS, type VersionPart } from '../../domain/changes.ts';
import { encodeCursor } from '../../domain/cursors.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import type { Changes } from '../../domain/pages.ts';
import { copiedInputs } from './campaign-columns.ts';
import { insertRow, json, pageOf, plain, readRow, selectList } from './columns.ts';
import { toJson } from './json.ts';
import { sumOf } from './set-rows.ts';
import type { Sql, Transaction } from './sql.ts';

const COLUMNS = {
  number: plain<number>('number'),
  campaignId: plain<string>('campaign_id'),
  cause: plain<Change['cause']>('cause'),
  changed: json<readonly VersionPart[] | null>('changed'),
  version: plain<number | null>('version'),
  previousVersion: plain<number | null>('previous_version'),
  size: plain<number | null>('size'),
  cuts: json<readonly AudienceCut[] | null>('cuts'),
  changedAt: plain<number>('changed_at'),
};

/** Appends a change. Changes become visible in the order of their numbers. */
export async function insertChange(t: Transaction, change: Change): Promise<void> {
  await t.enterAlone('changes');
  await insertRow(t, 'changes', {
    campaign_id: change.campaignId,
    cause: change.cause,
    changed: toJson(change.changed),
    version: change.version,
    previous_version: change.previousVersion,
    size: change.size,
    cuts: toJson(change.cuts),
    changed_at: change.changedAt,
  });
}

/** @throws AppError invalid_cursor */
export async function readChanges(sql: Sql, since: string | undefined, limit: number): Promise<Changes> {
  const newest = await sql.get<{ readonly last: number }>('SELECT coalesce(max(number), 0) AS last FROM changes');
  const after = changesAfter(since, newest!.last);
  const rows = await sql.all<{ readonly number: number }>(
    `SELECT ${selectList(COLUMNS)} FROM changes WHERE number > @after ORDER BY number LIMIT @most`,
    { after, most: limit + 1 },
  );
  const { items, nextCursor } = await pageOf(
    sql,
    'changes',
    rows,
    limit,
    ({ number }) => [['changes', { number }]],
    (stored) => {
      const { number: _, ...change } = readRow(COLUMNS, stored);
      return change;
    },
  );
  const last = rows.at(-1)?.number ?? after;
  return { items, nextCursor: nextCursor ?? encodeCursor('changes', last), hasMore: nextCursor !== null };
}

/** The expansion of a version, and its cut of the ranking. */
interface ComparedVersion {
  readonly expansion: number;
  readonly size: number;
  readonly holdoutPercent: number;
  readonly cuts: readonly AudienceCut[];
}

/** Columns of the expansions `e` (of the new version) and `x`; for the cut, a value and a column of the version `p`. */
const COMPARED: Readonly<Record<VersionPart, readonly [own: string, previous: string]>> = {
  ...ofExpansions(inputsOf),
  size: ['@size', 'p.size'],
  holdout_percent: ['@holdoutPercent', 'p.holdout_percent'],
  cuts: ['@cuts', 'CAST(p.cuts AS text)'],
};

const SELECT_DIFFERENCES = `
  SELECT ${VERSION_PARTS.map((part) => `${COMPARED[part].join(' IS DISTINCT FROM ')} AS "${part}"`).join(', ')}
  FROM audiences p JOIN expansions x ON x.number = p.expansion CROSS JOIN expansions e
  WHERE p.campaign = @campaign AND p.version = @previous AND e.number = @expansion`;

/** Returns what differs from the version `previous`; null if it is null. The new version need not be stored yet. */
export async function findChangedParts(
  sql: Sql,
  campaign: number,
  previous: number | null,
  { expansion, size, holdoutPercent, cuts }: ComparedVersion,
): Promise<readonly VersionPart[] | null> {
  if (previous === null) return null;
  const bound = { campaign, previous, expansion, size, holdoutPercent, cuts: JSON.stringify(cuts) };
  const row = (await sql.get<Readonly<Record<VersionPart, number | boolean>>>(SELECT_DIFFERENCES, bound))!;
  return VERSION_PARTS.filter((part) => Boolean(row[part]));
}

function inputsOf(expansion: string) {
  const { negativeWeight, fourFifths, commonSuppression, ...copied } = copiedInputs(expansion);
  const feedback = ['positive_set', 'dismissed_set'].map((set) => `coalesce(${sumOf(`${expansion}.${set}`)}, '')`);
  return {
    ...copied,
    negative_weight: negativeWeight,
    four_fifths: fourFifths,
    common_suppression: commonSuppression,
    feedback: feedback.join(" || ' ' || "),
    population: `${expansion}.population_version`,
    model: `${expansion}.model_version`,
  };
}

function ofExpansions<Part extends string>(columnsOf: (expansion: string) => Readonly<Record<Part, string>>) {
  const [own, previous] = [columnsOf('e'), columnsOf('x')];
  const parts = Object.keys(own) as Part[];
  return Object.fromEntries(parts.map((part) => [part, [own[part], previous[part]] as const])) as Record<
    Part,
    readonly [string, string]
  >;
}
