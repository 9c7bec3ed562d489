/** Finds what differs between two audience versions of a campaign. */
import { VERSION_PARTS, type VersionPart } from '../../domain/changes.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import { copiedInputs } from './campaign-columns.ts';
import { sumOf } from './set-rows.ts';
import type { Sql } from './sql.ts';

/** The expansion of a version, and its cut of the ranking. */
export interface ComparedVersion {
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
