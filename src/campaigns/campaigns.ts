/** Rows of campaigns: creation, look-up, the list and its counts. A campaign is read with its latest expansion and newest audience. */
import { decodeCursor, encodeCursor } from './cursors.ts';
import type { Database } from './database.ts';
import { EXPANSION_STATES, type ExpansionState } from './states.ts';
import type {
  AudienceRequest,
  Campaign,
  CampaignFeatures,
  CampaignPage,
  CampaignQuery,
  NewCampaign,
  Reason,
} from './types.ts';

const SELECT_CAMPAIGN = `
  SELECT c.number, c.id, c.external_id, c.name, c.features, c.unknown_features, c.missing_features, c.audience, c.created_at,
         e.state, e.progress, e.reason, e.seeds_received, e.seeds_known, e.seeds_unknown, e.seeds_duplicate, e.unknown_examples,
         e.model_version, e.population_version, e.timings, e.quality, e.updated_at, a.version, a.size, a.candidates
  FROM campaigns c
  JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = (SELECT max(version) FROM audiences WHERE campaign = c.number)`;

interface CampaignRow {
  readonly number: number;
  readonly id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly features: string;
  readonly unknown_features: number;
  readonly missing_features: number;
  readonly audience: string;
  readonly created_at: number;
  readonly state: ExpansionState;
  readonly progress: number;
  readonly reason: string | null;
  readonly seeds_received: number;
  readonly seeds_known: number;
  readonly seeds_unknown: number;
  readonly seeds_duplicate: number;
  readonly unknown_examples: string;
  readonly model_version: string | null;
  readonly population_version: string | null;
  readonly timings: string;
  readonly quality: string | null;
  readonly updated_at: number;
  readonly version: number | null;
  readonly size: number | null;
  readonly candidates: number | null;
}

export class Campaigns {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Gives the campaign's number. */
  insert(id: string, input: NewCampaign, now: number): number {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO campaigns (id, external_id, name, features, unknown_features, missing_features, audience, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        input.externalId ?? null,
        input.name,
        JSON.stringify(input.features),
        input.featureCounts.unknown,
        input.featureCounts.missing,
        JSON.stringify(input.audience),
        now,
      );
    return Number(lastInsertRowid);
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
        `${SELECT_CAMPAIGN} WHERE e.campaign < @before ${byState} ${byExternalId} ORDER BY e.campaign DESC LIMIT @limit`,
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

  countsByState(): Record<ExpansionState, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS count FROM expansions WHERE latest = 1 GROUP BY state')
      .all() as { state: ExpansionState; count: number }[];
    const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }
}

function toCampaign(row: CampaignRow): Campaign {
  return {
    id: row.id,
    externalId: row.external_id,
    name: row.name,
    features: JSON.parse(row.features) as CampaignFeatures,
    audience: JSON.parse(row.audience) as AudienceRequest,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    state: row.state,
    progress: row.progress,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Reason),
    seeds: {
      received: row.seeds_received,
      known: row.seeds_known,
      unknown: row.seeds_unknown,
      duplicate: row.seeds_duplicate,
      unknownExamples: JSON.parse(row.unknown_examples) as string[],
    },
    featureCounts: { unknown: row.unknown_features, missing: row.missing_features },
    modelVersion: row.model_version,
    populationVersion: row.population_version,
    timings: JSON.parse(row.timings) as Record<string, number>,
    quality: row.quality === null ? null : (JSON.parse(row.quality) as Record<string, unknown>),
    audienceVersion: row.version,
    audienceSize: row.size,
    candidates: row.candidates,
  };
}
