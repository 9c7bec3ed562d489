/** Rows of campaigns, each read with its latest expansion and active audience: creation, changes, look-up, lists. */
import { decodeCursor, encodeCursor } from '../campaigns/cursors.ts';
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
import type { Database } from './database.ts';
import { decodeCounts, encodeCounts, recordSet } from './set-rows.ts';

/** Whether the campaign `c` of the installation `i` has other inputs than an expansion has. */
function differsFrom(expansion: string): string {
  const same = ['seed_set', 'features', 'filters', 'suppression_set'].map(
    (column) => `c.${column} IS ${expansion}.${column}`,
  );
  return `(${expansion}.number IS NULL AND c.seed_set IS NOT NULL OR ${expansion}.number IS NOT NULL AND NOT (${same.join(' AND ')} AND i.suppression_set IS ${expansion}.common_suppression_set))`;
}

const SELECT_CAMPAIGN = `
  SELECT c.number, c.id, c.external_id, c.name, c.labels, c.features, c.filters, c.unknown_features, c.missing_features, c.audience,
         c.refresh_every, c.refresh_on_population, c.refresh_on_change, c.seed_counts, c.created_at, max(c.updated_at, coalesce(e.updated_at, 0)) AS updated_at,
         ${differsFrom('x')} AS needs_expansion,
         e.id AS expansion_id, e.state, e.progress, e.reason, e.excluded, e.model_version, e.population_version, e.timings, e.quality,
         a.version, a.size, a.candidates
  FROM campaigns c
  JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number =
    CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE expansion = e.number) THEN e.number ELSE coalesce(a.expansion, e.number) END`;

interface CampaignRow {
  readonly number: number;
  readonly id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly labels: string;
  readonly features: string;
  readonly filters: string;
  readonly unknown_features: number;
  readonly missing_features: number;
  readonly audience: string;
  readonly refresh_every: number | null;
  readonly refresh_on_population: 0 | 1;
  readonly refresh_on_change: 0 | 1;
  readonly seed_counts: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly needs_expansion: 0 | 1;
  readonly expansion_id: string | null;
  readonly state: ExpansionState | null;
  readonly progress: number | null;
  readonly reason: string | null;
  readonly excluded: string | null;
  readonly model_version: string | null;
  readonly population_version: string | null;
  readonly timings: string | null;
  readonly quality: string | null;
  readonly version: number | null;
  readonly size: number | null;
  readonly candidates: number | null;
}

/** What an expansion takes of its campaign. */
export interface CampaignInputs {
  readonly number: number;
  readonly features: string;
  readonly filters: string;
  readonly seedSet: string | null;
  readonly seeds: SeedCounts;
  readonly suppressionSet: string | null;
  readonly commonSuppressionSet: string | null;
}

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

export class CampaignRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Gives the campaign's number. */
  insert(id: string, input: NewCampaign, now: number): number {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO campaigns (id, external_id, name, labels, features, filters, unknown_features, missing_features, audience,
           refresh_every, refresh_on_population, refresh_on_change, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        input.externalId ?? null,
        input.name,
        JSON.stringify(input.labels ?? {}),
        JSON.stringify(input.features),
        JSON.stringify(input.filters ?? {}),
        input.featureCounts.unknown,
        input.featureCounts.missing,
        JSON.stringify(input.audience),
        input.refresh?.everyMs ?? null,
        input.refresh?.onNewPopulation ? 1 : 0,
        input.refresh?.onChange ? 1 : 0,
        now,
        now,
      );
    return Number(lastInsertRowid);
  }

  /** Writes what a change names. */
  update(number: number, change: CampaignChange, now: number): void {
    const columns: Record<string, string | number | null> = { updated_at: now };
    if (change.externalId !== undefined) columns['external_id'] = change.externalId;
    if (change.name !== undefined) columns['name'] = change.name;
    if (change.labels !== undefined) columns['labels'] = JSON.stringify(change.labels);
    if (change.filters !== undefined) columns['filters'] = JSON.stringify(change.filters);
    if (change.audience !== undefined) columns['audience'] = JSON.stringify(change.audience);
    if (change.features !== undefined) {
      columns['features'] = JSON.stringify(change.features.values);
      columns['unknown_features'] = change.features.counts.unknown;
      columns['missing_features'] = change.features.counts.missing;
    }
    if (change.refresh !== undefined) {
      columns['refresh_every'] = change.refresh.everyMs;
      columns['refresh_on_population'] = change.refresh.onNewPopulation ? 1 : 0;
      columns['refresh_on_change'] = change.refresh.onChange ? 1 : 0;
    }
    const names = Object.keys(columns);
    this.#database
      .prepare(`UPDATE campaigns SET ${names.map((name) => `${name} = @${name}`).join(', ')} WHERE number = @number`)
      .run({ ...columns, number });
  }

  /** The seeds as they are from now on. */
  setSeeds(number: number, set: WrittenSet, counts: SeedCounts, now: number): void {
    recordSet(this.#database, set, now);
    this.#database
      .prepare('UPDATE campaigns SET seed_set = ?, seed_counts = ?, updated_at = ? WHERE number = ?')
      .run(set.sha256, encodeCounts({ counts, createdAt: now, updatedAt: now }), now, number);
  }

  inputs(number: number): CampaignInputs {
    const row = this.#database
      .prepare(
        `SELECT c.number, c.features, c.filters, c.seed_set AS seedSet, c.seed_counts AS counts, c.suppression_set AS suppressionSet,
           i.suppression_set AS commonSuppressionSet
         FROM campaigns c, installation i WHERE c.number = ?`,
      )
      .get(number) as Omit<CampaignInputs, 'seeds'> & { readonly counts: string | null };
    const { counts, ...inputs } = row;
    return { ...inputs, seeds: parseCounts(counts) };
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
    const row = this.#database.prepare(`${SELECT_CAMPAIGN} WHERE c.id = ?`).get(id) as CampaignRow | undefined;
    return row === undefined ? null : toCampaign(row);
  }

  /** The id of the campaign that the caller calls so; undefined where there is none. */
  idOf(externalId: string): string | undefined {
    return this.#database.prepare('SELECT id FROM campaigns WHERE external_id = ?').pluck().get(externalId) as
      | string
      | undefined;
  }

  /** Newest first. A cursor names the last campaign given, so later ones change nothing for its reader. */
  list(query: CampaignQuery): CampaignPage {
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor('campaigns', query.cursor);
    const { state, externalId } = query;
    const byState = state === undefined ? '' : 'AND e.state = @state';
    const byExternalId = externalId === undefined ? '' : 'AND c.external_id = @externalId';
    const rows = this.#database
      .prepare(
        `${SELECT_CAMPAIGN} WHERE c.number < @before ${byState} ${byExternalId} ORDER BY c.number DESC LIMIT @limit`,
      )
      .all({
        before,
        limit: query.limit + 1,
        ...(state !== undefined && { state }),
        ...(externalId !== undefined && { externalId }),
      }) as CampaignRow[];
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      items: page.map(toCampaign),
      nextCursor: last !== undefined && rows.length > page.length ? encodeCursor('campaigns', last.number) : null,
    };
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
    const byInterval = 'c.refresh_every IS NOT NULL AND e.created_at + c.refresh_every <= @now';
    return this.#database
      .prepare(
        `SELECT * FROM (
           SELECT c.id, e.created_at, CASE WHEN ${byPopulation} THEN 'population' WHEN ${byChange} THEN 'change' WHEN ${byInterval} THEN 'interval' END AS cause
           FROM campaigns c JOIN installation i JOIN expansions e ON e.campaign = c.number AND e.latest = 1 LEFT JOIN jobs j ON j.expansion = e.number
           WHERE j.number IS NULL AND c.seed_set IS NOT NULL
             AND (c.refresh_every IS NOT NULL OR c.refresh_on_population = 1 OR c.refresh_on_change = 1))
         WHERE cause IS NOT NULL ORDER BY created_at`,
      )
      .all({ now, populationVersion }) as { id: string; cause: Cause }[];
  }

  /** Removes a campaign and everything of it but its feedback and user sets; runs inside the caller's transaction. */
  delete(number: number): void {
    const ofExpansions = 'expansion IN (SELECT number FROM expansions WHERE campaign = ?)';
    for (const sql of [
      `DELETE FROM jobs WHERE ${ofExpansions}`,
      'DELETE FROM audiences WHERE campaign = ?',
      'DELETE FROM expansions WHERE campaign = ?',
      'DELETE FROM campaigns WHERE number = ?',
    ])
      this.#database.prepare(sql).run(number);
  }

  countsByState(): Record<ExpansionState, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS count FROM expansions WHERE latest = 1 GROUP BY state')
      .all() as { state: ExpansionState; count: number }[];
    const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }
}

function parseCounts(json: string | null): SeedCounts {
  return json === null ? NO_SEEDS : decodeCounts(json);
}

function toCampaign(row: CampaignRow): Campaign {
  return {
    id: row.id,
    externalId: row.external_id,
    name: row.name,
    labels: JSON.parse(row.labels) as Labels,
    features: JSON.parse(row.features) as CampaignFeatures,
    filters: JSON.parse(row.filters) as Filters,
    audience: JSON.parse(row.audience) as AudienceRequest,
    refresh: {
      everyMs: row.refresh_every,
      onNewPopulation: row.refresh_on_population === 1,
      onChange: row.refresh_on_change === 1,
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    seeds: parseCounts(row.seed_counts),
    featureCounts: { unknown: row.unknown_features, missing: row.missing_features },
    needsExpansion: row.needs_expansion === 1,
    expansionId: row.expansion_id,
    state: row.state,
    progress: row.progress ?? 0,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Reason),
    excluded: row.excluded === null ? null : (JSON.parse(row.excluded) as Excluded),
    modelVersion: row.model_version,
    populationVersion: row.population_version,
    timings: row.timings === null ? {} : (JSON.parse(row.timings) as Record<string, number>),
    quality: row.quality === null ? null : (JSON.parse(row.quality) as Record<string, unknown>),
    audienceVersion: row.version,
    audienceSize: row.size,
    candidates: row.candidates,
  };
}
