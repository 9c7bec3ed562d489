/** Rows of audience versions, and the cache that membership look-ups read. */
import { join } from 'node:path';
import { AppError, assert } from '../lib/errors.ts';
import type { Database } from './database.ts';
import { type ExpansionState, isEnd } from './states.ts';
import type { ActiveAudience, AudienceRequest, ExpansionResult } from './types.ts';

/** Campaigns whose active audience is remembered (about 300 bytes each). */
const CACHED_AUDIENCES = 10_000;
/** When to ask again for an audience that is not there yet. */
const RETRY_AFTER_SECONDS = 2;
/** The same where the expansion has ended without one: only a new expansion would change that. */
const RETRY_AFTER_END_SECONDS = 60;

/** How many of the candidates are members: a size as asked, a percentage of the population rounded up, both capped by the candidates. */
export function audienceSize(request: AudienceRequest, candidates: number, populationSize: number): number {
  if ('size' in request) return Math.min(candidates, Math.max(1, request.size));
  const share = (populationSize * request.percent) / 100;
  // 33.2 % of 50,534,000 is 16777288.000000002 in floating point, and must not round up; the error is below 4e-16 of it.
  const wanted = Math.ceil(share - Math.max(1e-9, share * 1e-15));
  return Math.min(candidates, Math.max(1, wanted));
}

const SELECT_AUDIENCE =
  'SELECT a.version, a.size, a.candidates, a.folder, a.population_version AS populationVersion FROM audiences a JOIN campaigns c ON c.number = a.campaign WHERE c.id = ?';

export class Audiences {
  readonly #database: Database;
  readonly #dataDir: string;
  readonly #active = new Map<string, ActiveAudience>();
  #dataVersion = -1;
  readonly #readDataVersion;

  constructor(database: Database, dataDir: string) {
    this.#database = database;
    this.#dataDir = dataDir;
    this.#readDataVersion = database.prepare('PRAGMA data_version').pluck();
  }

  /** The next audience version of the expansion's campaign; runs inside the caller's transaction. */
  insert(expansion: number, result: ExpansionResult, now: number): void {
    const row = this.#database
      .prepare(
        `SELECT e.campaign, e.population_version AS populationVersion, c.audience,
           (SELECT coalesce(max(version), 0) + 1 FROM audiences WHERE campaign = e.campaign) AS version
         FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = ?`,
      )
      .get(expansion) as { campaign: number; populationVersion: string | null; audience: string; version: number };
    assert(row.populationVersion !== null, 'an expansion is pinned before it is finished');
    const size = audienceSize(JSON.parse(row.audience) as AudienceRequest, result.candidates, result.populationSize);
    this.#database
      .prepare(
        `INSERT INTO audiences (campaign, version, expansion, size, candidates, folder, population_version, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(row.campaign, row.version, expansion, size, result.candidates, result.folder, row.populationVersion, now);
  }

  /**
   * The newest audience of a campaign, from memory where no commit came between.
   * @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds).
   */
  active(id: string): ActiveAudience {
    this.#dropStale();
    const cached = this.#active.get(id);
    if (cached !== undefined) return cached;
    const found = this.#select(id, `${SELECT_AUDIENCE} ORDER BY a.version DESC LIMIT 1`, [id]);
    if (found === undefined) throw this.#notReady(id);
    if (this.#active.size >= CACHED_AUDIENCES) this.#active.clear();
    this.#active.set(id, found);
    return found;
  }

  /** @throws AppError campaign_not_found; invalid_cursor where the campaign has no such version. */
  version(id: string, version: number): ActiveAudience {
    const found = this.#select(id, `${SELECT_AUDIENCE} AND a.version = ?`, [id, version]);
    if (found !== undefined) return found;
    this.#stateOf(id);
    throw new AppError('invalid_cursor', `campaign ${id} has no audience version ${version}`, {
      details: [{ pointer: 'cursor', message: 'names an audience version that does not exist', value: version }],
    });
  }

  /** Forgets what is remembered: `data_version` does not change by this connection's own commits. */
  forget(): void {
    this.#active.clear();
  }

  #dropStale(): void {
    const dataVersion = this.#readDataVersion.get() as number;
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    this.forget();
  }

  #select(id: string, sql: string, parameters: readonly (string | number)[]): ActiveAudience | undefined {
    const row = this.#database.prepare(sql).get(...parameters) as Omit<ActiveAudience, 'campaignId'> | undefined;
    return row && { campaignId: id, ...row, folder: join(this.#dataDir, row.folder) };
  }

  #notReady(id: string): AppError {
    const state = this.#stateOf(id);
    return new AppError('audience_not_ready', `campaign ${id} has no audience; its expansion is ${state}`, {
      facts: { state, retry_after: isEnd(state) ? RETRY_AFTER_END_SECONDS : RETRY_AFTER_SECONDS },
    });
  }

  #stateOf(id: string): ExpansionState {
    const state = this.#database
      .prepare(
        'SELECT e.state FROM campaigns c JOIN expansions e ON e.campaign = c.number AND e.latest = 1 WHERE c.id = ?',
      )
      .pluck()
      .get(id) as ExpansionState | undefined;
    if (state === undefined) throw campaignNotFound(id);
    return state;
  }
}

export function campaignNotFound(id: string): AppError {
  return new AppError('campaign_not_found', `there is no campaign ${id}`);
}
