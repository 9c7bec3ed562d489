import { campaignNotFound } from '../../domain/not-found.ts';
import { EXPANSION_STATES, type ExpansionState } from '../../domain/states.ts';
import type {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  Cause,
  Labels,
  NewCampaign,
  SeedCounts,
} from '../../domain/types.ts';
import type { WrittenSet } from '../files/writer.ts';
import { COLUMNS, differsFrom, SELECT_CAMPAIGN } from './campaign-columns.ts';
import { filterOf, filterValues } from './campaign-filter.ts';
import {
  insertRow,
  json,
  plain,
  type RowOf,
  readRow,
  selectList,
  toFlag,
  toJson,
  updateRow,
  type Written,
} from './columns.ts';
import type { Database } from './database.ts';
import { deleteRows } from './delete-rows.ts';
import { boundsOf, pageOf } from './pages.ts';
import { remainingTimes } from './remaining-time.ts';
import { areWhole, type RowReference, refuseDamaged, wholeRows } from './row-check.ts';
import { encodeCounts, recordSet } from './set-rows.ts';

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

/** A campaign at its deletion. */
export interface LastOfCampaign {
  readonly id: string;
  readonly externalId: string | null;
  readonly name: string;
  /** The active audience version; null where it has none. */
  readonly version: number | null;
}

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

  /**
   * The same of a campaign to be deleted: one whose id is damaged is found by the id in its row, by which it is named,
   * as by that in the index. @throws AppError campaign_not_found
   */
  getNumberToDelete(id: string): number {
    const select = this.#database.prepare('SELECT number FROM campaigns NOT INDEXED WHERE id = @id').pluck();
    try {
      return this.getNumber(id);
    } catch (error) {
      const number = select.get({ id });
      if (number === undefined) throw error;
      return number as number;
    }
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
    const row = this.#database.prepare('SELECT number, labels FROM campaigns WHERE id = @id').get({ id }) as
      | { readonly number: number; readonly labels: string }
      | undefined;
    if (row === undefined) return null;
    refuseDamaged(this.#database, [['campaigns', { number: row.number }]]);
    return json<Labels>('c.labels').read!(row.labels);
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

  /**
   * What is told of a campaign that is about to be deleted. Nothing of a damaged row but the id by which it was found:
   * the version is that of its last change.
   */
  lastOf(number: number, id: string): LastOfCampaign {
    if (areWhole(this.#database, [['campaigns', { number }]]))
      return this.#database
        .prepare(
          `SELECT id, external_id AS externalId, name, active_version AS version FROM campaigns WHERE number = @number`,
        )
        .get({ number }) as LastOfCampaign;
    const version = this.#database
      .prepare('SELECT version FROM changes WHERE campaign_id = @id ORDER BY number DESC LIMIT 1')
      .pluck()
      .get({ id }) as number | null | undefined;
    return { id, externalId: null, name: '', version: version ?? null };
  }

  /** Removes a campaign and everything of it but its feedback and user sets; runs inside the caller's transaction. */
  delete(number: number): void {
    for (const [table, condition] of [
      ['jobs', 'expansion IN (SELECT number FROM expansions WHERE campaign = @number)'],
      ['audiences', 'campaign = @number'],
      ['expansions', 'campaign = @number'],
      ['campaigns', 'number = @number'],
    ] as const)
      deleteRows(this.#database, table, condition, { number });
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
        row.expansion === null || row.state === null ? null : remaining({ number: row.expansion, state: row.state }),
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
