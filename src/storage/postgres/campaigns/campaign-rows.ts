/** Reads rows of campaigns, with the latest expansion and the active audience. */
import { COPIED_INPUTS, type CopiedInput, type EndedExpansion, needsExpansion } from '../../../domain/campaigns.ts';
import type { CampaignFeatures, Filters } from '../../../domain/features.ts';
import { campaignNotFound } from '../../../domain/not-found.ts';
import { EXPANSION_STATES, type ExpansionState, isEnd } from '../../../domain/states.ts';
import type {
  AudienceRequest,
  Campaign,
  CampaignPage,
  CampaignQuery,
  Excluded,
  Labels,
  Reason,
  RefreshPolicy,
  SeedCounts,
} from '../../../domain/types.ts';
import { type StoredCounts, toCounts } from '../../set-columns.ts';
import { boundsOf, type Column, pageOf, plain, type RowOf, readRow, selectList } from '../database/columns.ts';
import type { Sql } from '../database/database.ts';
import { type Bound, toJson } from '../database/statement.ts';
import { type QueueTimes, type RemainingTime, remainingTimes, timesOf } from './remaining-time.ts';

/**
 * The columns of each input: in the campaign `c` or the installation `i`, and in the copy that an expansion keeps. JSON
 * is compared as text, because equal inputs have equal texts.
 */
const COPIES: Readonly<Record<CopiedInput, readonly [own: string, copy: string]>> = {
  features: ['c.features::text', 'features::text'],
  filters: ['c.filters::text', 'filters::text'],
  seeds: ['c.seed_set', 'seed_set'],
  suppression: ['c.suppression_set', 'suppression_set'],
  commonSuppression: ['i.suppression_set', 'common_suppression_set'],
};

/** Whether an expansion has the campaign's current inputs; null if there is no expansion. */
function same(expansion: string): Column<boolean | null> {
  const all = COPIED_INPUTS.map((input) => {
    const [own, copy] = COPIES[input];
    return `${own} IS NOT DISTINCT FROM ${expansion}.${copy}`;
  });
  return plain(`CASE WHEN ${expansion}.number IS NOT NULL THEN ${all.join(' AND ')} END`);
}

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

function readCounts(stored: unknown): SeedCounts {
  return stored === null ? NO_SEEDS : toCounts(stored as StoredCounts);
}

/** The columns of a campaign. A new column is added here, in `toCampaign`, and in `columnsOf` of campaigns.ts. */
const COLUMNS = {
  number: plain<number>('c.number'),
  id: plain<string>('c.id'),
  externalId: plain<string | null>('c.external_id'),
  name: plain<string>('c.name'),
  labels: plain<Labels>('c.labels'),
  features: plain<CampaignFeatures>('c.features'),
  filters: plain<Filters>('c.filters'),
  unknownFeatures: plain<number>('c.unknown_features'),
  missingFeatures: plain<number>('c.missing_features'),
  audience: plain<AudienceRequest>('c.audience'),
  everyMs: plain<number | null>('c.refresh_every'),
  onNewPopulation: plain<boolean>('c.refresh_on_population'),
  onChange: plain<boolean>('c.refresh_on_change'),
  seeds: { sql: 'c.seed_counts', read: readCounts },
  createdAt: plain<number>('c.created_at'),
  updatedAt: plain<number>('greatest(c.updated_at, e.updated_at)'),
  hasSeeds: plain<boolean>('c.seed_set IS NOT NULL'),
  isLatestRunning: plain<boolean>('j.number IS NOT NULL'),
  sameAsLatest: same('e'),
  sameAsActive: same('x'),
  expansion: plain<number | null>('e.number'),
  expansionId: plain<string | null>('e.id'),
  state: plain<ExpansionState | null>('e.state'),
  progress: plain<number>('coalesce(e.progress, 0)'),
  reason: plain<Reason | null>('e.reason'),
  excluded: plain<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: plain<Record<string, number>>("coalesce(e.timings, '{}')"),
  quality: plain<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('a.version'),
  audienceSize: plain<number | null>('a.size'),
  candidates: plain<number | null>('a.candidates'),
};

type CampaignRow = RowOf<typeof COLUMNS>;

const SELECT_CAMPAIGN = `
  SELECT ${selectList(COLUMNS)}
  FROM campaigns c
  CROSS JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest
  LEFT JOIN jobs j ON j.expansion = e.number
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number = a.expansion`;

/** A campaign with a refresh policy, and its latest expansion. */
const REFRESHED = {
  id: COLUMNS.id,
  everyMs: COLUMNS.everyMs,
  onNewPopulation: COLUMNS.onNewPopulation,
  onChange: COLUMNS.onChange,
  state: plain<ExpansionState>('e.state'),
  createdAt: plain<number>('e.created_at'),
  populationVersion: plain<string | null>('e.population_version'),
  hasSameInputs: plain<boolean>(same('e').sql),
};

interface RefreshedCampaign {
  readonly id: string;
  readonly policy: RefreshPolicy;
  readonly latest: EndedExpansion;
}

/** Inputs that an expansion copies from its campaign: stored features and filters. */
const INPUTS = {
  number: plain<number>('c.number'),
  features: plain<string>('c.features::text'),
  filters: plain<string>('c.filters::text'),
  seedSet: plain<string | null>('c.seed_set'),
  seeds: COLUMNS.seeds,
  suppressionSet: plain<string | null>('c.suppression_set'),
  commonSuppressionSet: plain<string | null>('i.suppression_set'),
};

export type CampaignInputs = RowOf<typeof INPUTS>;

export async function readInputs(sql: Sql, number: number): Promise<CampaignInputs> {
  const select = `SELECT ${selectList(INPUTS)} FROM campaigns c CROSS JOIN installation i WHERE c.number = @number`;
  return readRow(INPUTS, (await sql.get(select, { number }))!);
}

/** The number of a campaign. @throws AppError campaign_not_found */
export async function getNumber(sql: Sql, id: string): Promise<number> {
  const row = await sql.get<{ readonly number: number }>('SELECT number FROM campaigns WHERE id = @id', { id });
  if (row === undefined) throw campaignNotFound(id);
  return row.number;
}

/**
 * Locks a campaign until the transaction ends, and returns its number; undefined if there is no such campaign. Every
 * transaction that changes a campaign, its expansions or its audience versions begins with this lock. So such
 * transactions of one campaign run one after another, and each reads what the others have written.
 */
export async function lockCampaign(t: Sql, id: string): Promise<number | undefined> {
  const select = 'SELECT number FROM campaigns WHERE id = @id FOR NO KEY UPDATE';
  return (await t.get<{ readonly number: number }>(select, { id }))?.number;
}

/** Like `lockCampaign`. @throws AppError campaign_not_found */
export async function getLocked(t: Sql, id: string): Promise<number> {
  const number = await lockCampaign(t, id);
  if (number === undefined) throw campaignNotFound(id);
  return number;
}

/** Within a transaction, `queue` is read before it begins. @throws AppError campaign_not_found */
export async function getCampaign(sql: Sql, id: string, queue?: QueueTimes): Promise<Campaign> {
  const campaign = await findCampaign(sql, id, queue);
  if (campaign === null) throw campaignNotFound(id);
  return campaign;
}

export async function findCampaign(sql: Sql, id: string, queue?: QueueTimes): Promise<Campaign | null> {
  const stored = await sql.get(`${SELECT_CAMPAIGN} WHERE c.id = @id`, { id });
  if (stored === undefined) return null;
  const row = readRow(COLUMNS, stored);
  const remaining = queue ? timesOf(queue) : await remainingTimes(sql, latestOf([row]));
  return toCampaign(row, remaining);
}

/** The id of the campaign with this external id; undefined if there is no such campaign. */
export async function idOf(sql: Sql, externalId: string): Promise<string | undefined> {
  const select = 'SELECT id FROM campaigns WHERE external_id = @externalId';
  return (await sql.get<{ readonly id: string }>(select, { externalId }))?.id;
}

export async function readLabels(sql: Sql, id: string): Promise<Labels | null> {
  const row = await sql.get<{ readonly labels: Labels }>('SELECT labels FROM campaigns WHERE id = @id', { id });
  return row?.labels ?? null;
}

export async function listCampaigns(sql: Sql, query: CampaignQuery): Promise<CampaignPage> {
  const rows = await sql.all(
    `${SELECT_CAMPAIGN} WHERE c.number < @before ${filterOf(query)} ORDER BY c.number DESC LIMIT @most`,
    { ...boundsOf('campaigns', query), ...filterValues(query) },
  );
  const campaigns = rows.map((row) => readRow(COLUMNS, row));
  const remaining = await remainingTimes(sql, latestOf(campaigns));
  return pageOf('campaigns', campaigns, query.limit, (row) => toCampaign(row, remaining));
}

/** Campaigns with a refresh policy, seeds and an ended latest expansion, in the order of these expansions. */
export async function readRefreshed(sql: Sql): Promise<readonly RefreshedCampaign[]> {
  const rows = await sql.all(
    `SELECT ${selectList(REFRESHED)}
     FROM campaigns c CROSS JOIN installation i
     JOIN expansions e ON e.campaign = c.number AND e.latest
     LEFT JOIN jobs j ON j.expansion = e.number
     WHERE j.number IS NULL AND c.seed_set IS NOT NULL
       AND (c.refresh_every IS NOT NULL OR c.refresh_on_population OR c.refresh_on_change)
     ORDER BY e.number`,
  );
  return rows.map((stored) => {
    const { id, everyMs, onNewPopulation, onChange, ...latest } = readRow(REFRESHED, stored);
    return { id, policy: { everyMs, onNewPopulation, onChange }, latest };
  });
}

export async function countsByState(sql: Sql): Promise<Record<ExpansionState, number>> {
  const rows = await sql.all<{ readonly state: ExpansionState; readonly count: number }>(
    'SELECT state, count(*) AS count FROM expansions WHERE latest GROUP BY state',
  );
  const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

/** The latest expansions of campaigns. */
function latestOf(rows: readonly CampaignRow[]) {
  return rows.flatMap(({ expansion, state }) =>
    expansion === null || state === null ? [] : [{ number: expansion, state }],
  );
}

function toCampaign(row: CampaignRow, remaining: RemainingTime): Campaign {
  return {
    id: row.id,
    externalId: row.externalId,
    name: row.name,
    labels: row.labels,
    features: row.features,
    filters: row.filters,
    audience: row.audience,
    refresh: { everyMs: row.everyMs, onNewPopulation: row.onNewPopulation, onChange: row.onChange },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    seeds: row.seeds,
    featureCounts: { unknown: row.unknownFeatures, missing: row.missingFeatures },
    needsExpansion: needsExpansion(row),
    expansionId: row.expansionId,
    state: row.state,
    progress: row.progress,
    reason: row.reason,
    excluded: row.excluded,
    modelVersion: row.modelVersion,
    populationVersion: row.populationVersion,
    timings: row.timings,
    quality: row.quality,
    audienceVersion: row.audienceVersion,
    audienceSize: row.audienceSize,
    candidates: row.candidates,
    remainingMs: row.expansion === null || isEnd(row.state!) ? null : remaining(row.expansion),
  };
}

/** Texts are compared by bytes, and letters of ASCII without their case, as SQLite does. */
const CONTAINS_TEXT = ['c.name', "coalesce(c.external_id, '')"]
  .map((text) => `strpos(lower(${text} COLLATE "C"), lower(@search COLLATE "C")) > 0`)
  .join(' OR ');

/** The conditions of a query, each after AND; `filterValues` returns the bound values. */
function filterOf({ state, externalId, labels, search }: CampaignQuery): string {
  return [
    state === undefined ? '' : 'AND e.state = @state',
    externalId === undefined ? '' : 'AND c.external_id = @externalId',
    // every pair of the query is a pair of the campaign
    labels === undefined ? '' : 'AND c.labels::jsonb @> @labels::jsonb',
    search === undefined ? '' : `AND (${CONTAINS_TEXT})`,
  ].join(' ');
}

function filterValues({ state, externalId, labels, search }: CampaignQuery): Bound {
  return {
    ...{ state: state ?? null, externalId: externalId ?? null, search: search ?? null },
    labels: toJson(labels) ?? null,
  };
}
