/** Reads rows of campaigns, with the latest expansion and the active audience. */
import { campaignNotFound } from '../../domain/not-found.ts';
import { EXPANSION_STATES, type ExpansionState, isEnd } from '../../domain/states.ts';
import type { Campaign, Labels } from '../../domain/types.ts';
import {
  CAMPAIGN_COLUMNS,
  type CampaignInputs,
  type CampaignRow,
  INPUT_COLUMNS,
  REFRESHED_COLUMNS,
  type RefreshedCampaign,
  toCampaign,
  toRefreshed,
} from './campaign-columns.ts';
import { readRow, refuseDamaged, selectList } from './columns.ts';
import { readJson } from './json.ts';
import { type QueueTimes, type RemainingTime, remainingTimes, timesOf } from './remaining-time.ts';
import type { RowReference, Sql } from './sql.ts';

const FURTHER_TABLES = `
  LEFT JOIN jobs j ON j.expansion = e.number
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number = a.expansion`;
export const SELECT_CAMPAIGN = `
  SELECT ${selectList(CAMPAIGN_COLUMNS)}
  FROM campaigns c
  CROSS JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest ${FURTHER_TABLES}
  WHERE true`;
/**
 * Like `SELECT_CAMPAIGN`, but without campaigns that were never expanded, and in the order of an index on expansions
 * (SQLite keeps the order of a CROSS JOIN).
 */
export const SELECT_EXPANDED = `
  SELECT ${selectList(CAMPAIGN_COLUMNS)}
  FROM expansions e CROSS JOIN campaigns c CROSS JOIN installation i ${FURTHER_TABLES}
  WHERE c.number = e.campaign AND e.latest`;
const SELECT_BY_ID = `${SELECT_CAMPAIGN} AND c.id = @id`;
const SELECT_INPUTS = `SELECT ${selectList(INPUT_COLUMNS)} FROM campaigns c CROSS JOIN installation i
  WHERE c.number = @number`;

/** @throws AppError database_damaged */
export async function readInputs(sql: Sql, number: number): Promise<CampaignInputs> {
  await refuseDamaged(sql, [['campaigns', { number }]]);
  return readRow(INPUT_COLUMNS, (await sql.get(SELECT_INPUTS, { number }))!);
}

/** The number of a campaign. @throws AppError campaign_not_found */
export async function getNumber(sql: Sql, id: string): Promise<number> {
  const row = await sql.get<{ readonly number: number }>('SELECT number FROM campaigns WHERE id = @id', { id });
  if (row === undefined) throw campaignNotFound(id);
  return row.number;
}

/**
 * Locks a campaign until the transaction ends, and returns its number; undefined if it does not exist. Every
 * transaction that changes a campaign, its expansions or its audience versions takes this lock first. So they run one
 * after another, and each sees the changes of the previous ones.
 */
export async function lockCampaign(t: Sql, id: string): Promise<number | undefined> {
  const select = `SELECT c.number FROM campaigns c WHERE c.id = @id ${t.dialect.lock('c')}`;
  return (await t.get<{ readonly number: number }>(select, { id }))?.number;
}

/** Like `lockCampaign`. @throws AppError campaign_not_found */
export async function getLocked(t: Sql, id: string): Promise<number> {
  const number = await lockCampaign(t, id);
  if (number === undefined) throw campaignNotFound(id);
  return number;
}

/**
 * Within a transaction, pass a `queue` that was read before the transaction began.
 * @throws AppError campaign_not_found, database_damaged
 */
export async function getCampaign(sql: Sql, id: string, queue?: QueueTimes): Promise<Campaign> {
  const campaign = await findCampaign(sql, id, queue);
  if (campaign === null) throw campaignNotFound(id);
  return campaign;
}

/** @throws AppError database_damaged */
export async function findCampaign(sql: Sql, id: string, queue?: QueueTimes): Promise<Campaign | null> {
  const stored = await sql.get<CampaignReferences>(SELECT_BY_ID, { id });
  if (stored === undefined) return null;
  await refuseDamaged(sql, referencesOf(stored));
  const row = readRow(CAMPAIGN_COLUMNS, stored);
  const remaining = queue ? timesOf(queue) : await remainingTimes(sql, latestOf([row]));
  return withRemaining(row, remaining);
}

/** The id of the campaign with this external id; undefined if there is no such campaign. */
export async function idOf(sql: Sql, externalId: string): Promise<string | undefined> {
  const select = 'SELECT id FROM campaigns WHERE external_id = @externalId';
  return (await sql.get<{ readonly id: string }>(select, { externalId }))?.id;
}

/** @throws AppError database_damaged */
export async function readLabels(sql: Sql, id: string): Promise<Labels | null> {
  const row = await sql.get<{ readonly number: number; readonly labels: string }>(
    'SELECT number, labels FROM campaigns WHERE id = @id',
    { id },
  );
  if (row === undefined) return null;
  await refuseDamaged(sql, [['campaigns', { number: row.number }]]);
  return readJson<Labels>(row.labels, 'c.labels');
}

/** The condition of the index on campaigns with a refresh policy. */
const IS_REFRESHED = '(c.refresh_every IS NOT NULL OR c.refresh_on_population OR c.refresh_on_change)';
/** Excludes campaigns, nearly all of them, for which `refreshCause` would return null. */
const MAY_BE_DUE = `(c.refresh_on_population AND e.population_version IS DISTINCT FROM @populationVersion
  OR c.refresh_on_change OR e.created_at <= @now - c.refresh_every OR e.created_at > @now)`;

/**
 * Campaigns that may be due: they have a refresh policy, seeds, and a latest expansion that has ended. Sorted by that
 * expansion.
 */
export async function readRefreshed(
  sql: Sql,
  populationVersion: string | null,
  now: number,
): Promise<readonly RefreshedCampaign[]> {
  const rows = await sql.all(
    `SELECT ${selectList(REFRESHED_COLUMNS)}
     FROM campaigns c CROSS JOIN installation i JOIN expansions e ON e.campaign = c.number AND e.latest
     WHERE c.seed_set IS NOT NULL AND ${IS_REFRESHED} AND ${MAY_BE_DUE}
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = e.number)
     ORDER BY e.number`,
    { populationVersion, now },
  );
  return rows.map((stored) => toRefreshed(readRow(REFRESHED_COLUMNS, stored)));
}

export async function countsByState(sql: Sql): Promise<Record<ExpansionState, number>> {
  const rows = await sql.all<{ readonly state: ExpansionState; readonly count: number }>(
    'SELECT state, count(*) AS count FROM expansions WHERE latest GROUP BY state',
  );
  const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

export type CampaignReferences = Pick<CampaignRow, 'number' | 'expansion' | 'audienceVersion' | 'state'>;

/** The rows that contain the data of a campaign. */
export function referencesOf({ number, expansion, audienceVersion }: CampaignReferences): RowReference[] {
  return [
    ['campaigns', { number }],
    expansion === null ? null : ['expansions', { number: expansion }],
    audienceVersion === null ? null : ['audiences', { campaign: number, version: audienceVersion }],
  ];
}

/** The latest expansions of campaigns. */
export function latestOf(rows: readonly CampaignReferences[]) {
  return rows.flatMap(({ expansion, state }) =>
    expansion === null || state === null ? [] : [{ number: expansion, state }],
  );
}

export function withRemaining(row: CampaignRow, remaining: RemainingTime): Campaign {
  const { expansion, state } = row;
  return toCampaign(row, expansion === null || isEnd(state!) ? null : remaining(expansion));
}
