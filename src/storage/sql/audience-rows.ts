/** Reads rows of audience versions. */
import type { VersionCause, VersionPart } from '../../domain/changes.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import { HoldOut } from '../../domain/hold-out.ts';
import type { Audience } from '../../domain/types.ts';
import type { NumberedAudience } from './active-audiences.ts';
import { type Column, flag, json, plain, readRow, selectList } from './columns.ts';
import type { Bound, RowReference, Sql } from './sql.ts';

const COLUMNS = {
  campaignId: plain<string>('c.id'),
  version: plain<number>('a.version'),
  isActive: flag('a.version IS NOT DISTINCT FROM c.active_version'),
  size: plain<number>('a.size'),
  holdout: {
    sql: "CASE WHEN a.holdout_percent > 0 THEN c.holdout_key || ' ' || a.holdout_percent END",
    read: (stored) => (stored === null ? null : holdOutOf(stored as string)),
  } satisfies Column<HoldOut | null>,
  cuts: json<readonly AudienceCut[]>('a.cuts'),
  candidates: plain<number>('a.candidates'),
  populationSize: plain<number>('a.population_size'),
  folder: plain<string>('a.folder'),
  populationVersion: plain<string>('a.population_version'),
  expansionId: plain<string>('e.id'),
  cause: plain<VersionCause>('a.cause'),
  changed: json<readonly VersionPart[] | null>('a.changed'),
  createdAt: plain<number>('a.created_at'),
} satisfies Record<keyof Audience, Column<unknown>>;

const FROM_AUDIENCES =
  'FROM audiences a JOIN expansions e ON e.number = a.expansion JOIN campaigns c ON c.number = a.campaign';
const SELECT_AUDIENCE = `SELECT c.number, ${selectList(COLUMNS)} ${FROM_AUDIENCES}`;

/** Parses `<key> <percent>`. */
function holdOutOf(stored: string): HoldOut {
  const [key, percent] = stored.split(' ') as [string, string];
  return new HoldOut(key, Number(percent));
}

/** Active audiences with the numbers of their campaigns. `which` follows WHERE. */
export function readActive(sql: Sql, which: string, bound?: Bound): Promise<NumberedAudience[]> {
  return readNumbered(sql, `AND c.active_version = a.version WHERE ${which} ORDER BY c.number`, bound);
}

/** Audiences with the numbers of their campaigns. `which` continues the join. */
export async function readNumbered(sql: Sql, which: string, bound?: Bound): Promise<NumberedAudience[]> {
  const rows = await sql.all<{ readonly number: number }>(`${SELECT_AUDIENCE} ${which}`, bound);
  return rows.map(({ number, ...row }) => ({ number, audience: readRow(COLUMNS, row) }));
}

export function referencesOf({ number, audience: { version } }: NumberedAudience): RowReference[] {
  return [['audiences', { campaign: number, version }]];
}
