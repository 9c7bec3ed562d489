/** Rows of campaigns, each read with its latest expansion and active audience: creation, changes, look-up, lists. */
import type { CampaignFeatures, Filters } from '../campaigns/features.ts';
import { campaignNotFound } from '../campaigns/not-found.ts';
import { EXPANSION_STATES, type ExpansionState } from '../campaigns/states.ts';
import type {
  AudienceRequest,
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  Cause,
  Excluded,
  Labels,
  NewCampaign,
  Reason,
  SeedCounts,
} from '../campaigns/types.ts';
import type { WrittenSet } from '../user-sets/writer.ts';
import { filterOf, filterValues } from './campaign-filter.ts';
import {
  flag,
  insertRow,
  json,
  plain,
  type RowOf,
  readRow,
  selectList,
  toFlag,
  toJson,
  updateRow,
  type Value,
  type Written,
} from './columns.ts';
import type { Database } from './database.ts';
import { boundsOf, pageOf } from './pages.ts';
import { remainingTimes } from './remaining-time.ts';
import { type RowReference, refuseDamaged, wholeRows } from './row-check.ts';
import { decodeCounts, encodeCounts, recordSet } from './set-rows.ts';

/** Inputs of which an expansion has a copy under the same name. */
const COPIED = ['seed_set', 'features', 'filters', 'suppression_set'];

/** Whether the campaign `c` of the installation `i` has other inputs than an expansion has. */
function differsFrom(expansion: string): string {
  const same = COPIED.map((column) => `c.${column} IS ${expansion}.${column}`).join(' AND ');
  return `(${expansion}.number IS NULL AND c.seed_set IS NOT NULL
    OR ${expansion}.number IS NOT NULL
      AND NOT (${same} AND i.suppression_set IS ${expansion}.common_suppression_set))`;
}

/** A campaign as it is read. A column of its own is here, in `columnsOf` and in `toCampaign`. */
const COLUMNS = {
  number: plain<number>('c.number'),
  id: plain<string>('c.id'),
  externalId: plain<string | null>('c.external_id'),
  name: plain<string>('c.name'),
  labels: json<Labels>('c.labels'),
  features: json<CampaignFeatures>('c.features'),
  filters: json<Filters>('c.filters'),
  unknownFeatures: plain<number>('c.unknown_features'),
  missingFeatures: plain<number>('c.missing_features'),
  audience: json<AudienceRequest>('c.audience'),
  everyMs: plain<number | null>('c.refresh_every'),
  onNewPopulation: flag('c.refresh_on_population'),
  onChange: flag('c.refresh_on_change'),
  seeds: { sql: 'c.seed_counts', read: readCounts },
  createdAt: plain<number>('c.created_at'),
  updatedAt: plain<number>('max(c.updated_at, coalesce(e.updated_at, 0))'),
  needsExpansion: flag(differsFrom('x')),
  expansion: plain<number | null>('e.number'),
  expansionId: plain<string | null>('e.id'),
  state: plain<ExpansionState | null>('e.state'),
  progress: plain<number>('coalesce(e.progress, 0)'),
  reason: json<Reason | null>('e.reason'),
  excluded: json<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: json<Record<string, number>>("coalesce(e.timings, '{}')"),
  quality: json<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('a.version'),
  audienceSize: plain<number | null>('a.size'),
  candidates: plain<number | null>('a.candidates'),
};

const SELECT_CAMPAIGN = `
  SELECT ${selectList(COLUMNS)}
  FROM campaigns c
  JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number =
    CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE expansion = e.number) THEN e.number
      ELSE coalesce(a.expansion, e.number) END`;

/** The columns of what a caller gives. */
function columnsOf(given: CampaignChange): Written {
  return {
    external_id: given.externalId,
    name: given.name,
    labels: toJson(given.labels),
    features: toJson(given.features?.values),
    unknown_features: given.features?.counts.unknown,
    missing_features: given.features?.counts.missing,
    filters: toJson(given.filters),
    audience: toJson(given.audience),
    refresh_every: given.refresh?.everyMs,
    refresh_on_population: toFlag(given.refresh?.onNewPopulation),
    refresh_on_change: toFlag(given.refresh?.onChange),
  };
}

/** What an expansion takes of its campaign: features and filters as they are kept. */
const INPUTS = {
  number: plain<number>('c.number'),
  features: plain<string>('c.features'),
  filters: plain<string>('c.filters'),
  seedSet: plain<string | null>('c.seed_set'),
  seeds: COLUMNS.seeds,
  suppressionSet: plain<string | null>('c.suppression_set'),
  commonSuppressionSet: plain<string | null>('i.suppression_set'),
};

export type CampaignInputs = RowOf<typeof INPUTS>;

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

export class CampaignRows {
  readonly #database: Database;
  /** Prepared once, as each read of a campaign needs it: to prepare it takes as long as to run it. */
  readonly #select;

  constructor(database: Database) {
    this.#database = database;
    this.#select = database.prepare(`${SELECT_CAMPAIGN} WHERE c.id = @id`);
  }

  /** Returns the campaign's number. */
  insert(id: string, input: NewCampaign, now: number): number {
    const given = { ...input, features: { values: input.features, counts: input.featureCounts } };
    return insertRow(this.#database, 'campaigns', { id, ...columnsOf(given), created_at: now, updated_at: now });
  }

  /** Writes what a change names. */
  update(number: number, change: CampaignChange, now: number): void {
    updateRow(this.#database, 'campaigns', number, { ...columnsOf(change), updated_at: now });
  }

  /** The seeds as they are from now on. */
  setSeeds(number: number, set: WrittenSet, counts: SeedCounts, now: number): void {
    recordSet(this.#database, set, now);
    const seed_counts = encodeCounts({ counts, createdAt: now, updatedAt: now });
    updateRow(this.#database, 'campaigns', number, { seed_set: set.sha256, seed_counts, updated_at: now });
  }

  inputs(number: number): CampaignInputs {
    refuseDamaged(this.#database, [['campaigns', { number }]]);
    const sql = `SELECT ${selectList(INPUTS)} FROM campaigns c, installation i WHERE c.number = @number`;
    return readRow(INPUTS, this.#database.prepare(sql).get({ number }));
  }

  /** @throws AppError campaign_not_found */
  getNumber(id: string): number {
    const number = this.#database.prepare('SELECT number FROM campaigns WHERE id = @id').pluck().get({ id });
    if (number === undefined) throw campaignNotFound(id);
    return number as number;
  }

  /** @throws AppError campaign_not_found */
  get(id: string): Campaign {
    const campaign = this.find(id);
    if (campaign === null) throw campaignNotFound(id);
    return campaign;
  }

  find(id: string): Campaign | null {
    const row = this.#select.get({ id });
    if (row === undefined) return null;
    refuseDamaged(this.#database, referencesOf(row));
    return this.#toCampaign(row, remainingTimes(this.#database));
  }

  findLabels(id: string): Labels | null {
    const labels = this.#database.prepare('SELECT labels FROM campaigns WHERE id = @id').pluck().get({ id });
    return labels === undefined ? null : json<Labels>('c.labels').read!(labels as string);
  }

  /** The id of the campaign that the caller calls so; undefined where there is none. */
  idOf(externalId: string): string | undefined {
    return this.#database
      .prepare('SELECT id FROM campaigns WHERE external_id = @externalId')
      .pluck()
      .get({ externalId }) as string | undefined;
  }

  /** Newest first. @throws AppError invalid_cursor */
  list(query: CampaignQuery): CampaignPage {
    const rows = this.#database
      .prepare(`${SELECT_CAMPAIGN} WHERE c.number < @before ${filterOf(query)} ORDER BY c.number DESC LIMIT @most`)
      .all({ ...boundsOf('campaigns', query), ...filterValues(query) }) as CampaignReferences[];
    const remaining = remainingTimes(this.#database);
    return pageOf(
      'campaigns',
      rows,
      query.limit,
      (row) => this.#toCampaign(row, remaining),
      (page) => wholeRows(this.#database, page, referencesOf),
    );
  }

  /**
   * Campaigns whose refresh is due, by what: their latest expansion has ended, and it was made long enough ago, with
   * another population version, or with other inputs. One that failed before it had a population version is left to the
   * interval: it may die again.
   */
  dueForRefresh(now: number, populationVersion: string): { readonly id: string; readonly cause: Cause }[] {
    const byPopulation = `c.refresh_on_population = 1 AND e.population_version IS NOT @populationVersion
      AND (e.population_version IS NOT NULL OR e.state <> 'failed')`;
    const byChange = `c.refresh_on_change = 1 AND ${differsFrom('e')}`;
    // one from the future was made before the clock went back
    const byInterval =
      'c.refresh_every IS NOT NULL AND (e.created_at + c.refresh_every <= @now OR e.created_at > @now)';
    return this.#database
      .prepare(
        `SELECT * FROM (
           SELECT c.id, e.number,
             CASE WHEN ${byPopulation} THEN 'population' WHEN ${byChange} THEN 'change'
               WHEN ${byInterval} THEN 'interval' END AS cause
           FROM campaigns c JOIN installation i
           JOIN expansions e ON e.campaign = c.number AND e.latest = 1
           LEFT JOIN jobs j ON j.expansion = e.number
           WHERE j.number IS NULL AND c.seed_set IS NOT NULL
             AND (c.refresh_every IS NOT NULL OR c.refresh_on_population = 1 OR c.refresh_on_change = 1))
         WHERE cause IS NOT NULL ORDER BY number`,
      )
      .all({ now, populationVersion }) as { id: string; cause: Cause }[];
  }

  /** Removes a campaign and everything of it but its feedback and user sets; runs inside the caller's transaction. */
  delete(number: number): void {
    for (const sql of [
      'DELETE FROM jobs WHERE expansion IN (SELECT number FROM expansions WHERE campaign = @number)',
      'DELETE FROM audiences WHERE campaign = @number',
      'DELETE FROM expansions WHERE campaign = @number',
      'DELETE FROM campaigns WHERE number = @number',
    ])
      this.#database.prepare(sql).run({ number });
  }

  countsByState(): Record<ExpansionState, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS count FROM expansions WHERE latest = 1 GROUP BY state')
      .all() as { state: ExpansionState; count: number }[];
    const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /** Written out: a copy that leaves columns out made a list take twice as long. */
  #toCampaign(stored: unknown, remaining: ReturnType<typeof remainingTimes>): Campaign {
    const row = readRow(COLUMNS, stored);
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
      needsExpansion: row.needsExpansion,
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
      remainingMs:
        row.expansion === null || row.state === null
          ? null
          : remaining({ number: row.expansion, state: row.state, progress: row.progress }),
    };
  }
}

type CampaignReferences = Pick<RowOf<typeof COLUMNS>, 'number' | 'expansion' | 'audienceVersion'>;

/** The rows that a campaign is read of. */
function referencesOf(row: unknown): RowReference[] {
  const { number, expansion, audienceVersion } = row as CampaignReferences;
  return [
    ['campaigns', { number }],
    expansion === null ? null : ['expansions', { number: expansion }],
    audienceVersion === null ? null : ['audiences', { campaign: number, version: audienceVersion }],
  ];
}

function readCounts(stored: Value): SeedCounts {
  return stored === null ? NO_SEEDS : decodeCounts(stored as string);
}
