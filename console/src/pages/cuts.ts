/** Named cuts of an audience as rows of text, and their conversion to requests. */
import type { Campaign, CampaignInputs } from '../api/types.ts';
import { readNumber, readWhole } from '../ui/read-number.ts';

export interface CutRow {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly unit: 'percent' | 'people';
}

type Cuts = NonNullable<CampaignInputs['cuts']>;

export const NEW_CUT: CutRow = { name: '', from: '', to: '', unit: 'percent' };

const NAME = /^[A-Za-z][\w.-]*$/;

export function rowsOf(cuts: Campaign['cuts']): readonly CutRow[] {
  return cuts.map((cut) => {
    const { name } = cut;
    if ('from_size' in cut) return { name, from: String(cut.from_size), to: String(cut.to_size), unit: 'people' };
    return { name, from: String(cut.from_percent), to: String(cut.to_percent), unit: 'percent' };
  });
}

export function cutsOf(rows: readonly CutRow[]): Cuts {
  return rows.map((row) => {
    const [from, to] = boundsOf(row).map((bound) => bound ?? 0) as [number, number];
    const name = row.name.trim();
    return row.unit === 'people'
      ? { name, from_size: from, to_size: to }
      : { name, from_percent: from, to_percent: to };
  });
}

/** Returns the error of the first row with an error; undefined if all rows are valid. */
export function cutsFault(rows: readonly CutRow[]): string | undefined {
  const names = rows.map(({ name }) => name.trim());
  for (const [i, row] of rows.entries()) {
    const name = names[i]!;
    if (!NAME.test(name)) return `Cut ${i + 1}: enter a name of letters, digits, _, - and ., beginning with a letter.`;
    if (names.indexOf(name) !== i) return `Two cuts have the name ${name}.`;
    const [from, to] = boundsOf(row);
    if (from === null || to === null || from < 0 || to <= from)
      return `${name}: enter two numbers, the first below the second.`;
    if (row.unit === 'percent' && to > 100) return `${name}: enter 100% or less.`;
  }
  return undefined;
}

function boundsOf({ from, to, unit }: CutRow): readonly [number | null, number | null] {
  const read = unit === 'people' ? readWhole : readNumber;
  return [read(from), read(to)];
}
