/** Rows of audience versions, which of them is active, and the cache that look-ups read. */

import { audienceSize } from '../../domain/audience-size.ts';
import { audienceNotFound, campaignNotFound } from '../../domain/not-found.ts';
import { type ExpansionState, isEnd } from '../../domain/states.ts';
import type { Audience, AudienceRequest, ExpansionResult, Page, PageQuery } from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { LastOfCampaign } from './campaign-rows.ts';
import { type Column, flag, insertRow, plain, readRow, selectList, updateRow } from './columns.ts';
import type { Bound, Database } from './database.ts';
import { deleteRows } from './delete-rows.ts';
import type { Freshness } from './freshness.ts';
import { boundsOf, pageOf } from './pages.ts';
import { type RowReference, refuseDamaged, wholeRows } from './row-check.ts';

/** Campaigns whose active audience is remembered (about 400 bytes each). */
const CACHED_AUDIENCES = 10_000;
/** When to ask again for an audience that is not there yet. */
const RETRY_AFTER_SECONDS = 2;
/** The same where the expansion has ended without one: only a new expansion would change that. */
const RETRY_AFTER_END_SECONDS = 60;

const COLUMNS = {
  campaignId: plain<string>('c.id'),
  version: plain<number>('a.version'),
  isActive: flag('a.version = c.active_version'),
  size: plain<number>('a.size'),
  candidates: plain<number>('a.candidates'),
  populationSize: plain<number>('a.population_size'),
  folder: plain<string>('a.folder'),
  populationVersion: plain<string>('a.population_version'),
  expansionId: plain<string>('e.id'),
  createdAt: plain<number>('a.created_at'),
} satisfies Record<keyof Audience, Column<unknown>>;

const SELECT_AUDIENCE = `
  SELECT ${selectList(COLUMNS)}, a.campaign AS number
  FROM audiences a JOIN campaigns c ON c.number = a.campaign JOIN expansions e ON e.number = a.expansion`;

/** As it is selected, with the number of its campaign. */
type AudienceRow = Audience & { readonly number: number };

/** What a new version is of. */
interface NewAudience {
  readonly campaign: number;
  readonly expansion: number;
  readonly size: number;
  readonly candidates: number;
  readonly populationSize: number;
  readonly folder: string;
  readonly populationVersion: string;
}

export class AudienceRows {
  readonly #database: Database;
  readonly #active = new Map<string, Audience>();
  #all: readonly Audience[] | null = null;
  #dataVersion = -1;
  /** The last change of an active version that what is remembered knows of. */
  #lastChange: number | null = null;
  readonly #freshness: Freshness;
  readonly #readLastChange;

  constructor(database: Database, freshness: Freshness) {
    this.#database = database;
    this.#freshness = freshness;
    this.#readLastChange = database.prepare('SELECT max(number) FROM changes').pluck();
  }

  /** Makes a finished expansion the active version of its campaign; runs inside the caller's transaction. */
  publish(expansion: number, result: ExpansionResult, now: number): void {
    const row = this.#database
      .prepare(
        `SELECT e.campaign, e.population_version AS populationVersion, c.audience
         FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = @expansion`,
      )
      .get({ expansion }) as { campaign: number; populationVersion: string | null; audience: string };
    const { populationVersion, campaign } = row;
    assert(populationVersion !== null, 'an expansion is pinned before it is finished');
    const { candidates, populationSize, folder } = result;
    const size = audienceSize(JSON.parse(row.audience) as AudienceRequest, candidates, populationSize);
    this.#add({ campaign, expansion, size, candidates, populationSize, folder, populationVersion }, now);
  }

  /**
   * The active ranking as another version, of the size that is asked for now; nothing where that is the size already.
   */
  resize(campaign: number, request: AudienceRequest, now: number): void {
    const active = this.#database
      .prepare(
        `SELECT a.campaign, a.expansion, a.size, a.candidates, a.population_size AS populationSize, a.folder,
           a.population_version AS populationVersion
         FROM audiences a JOIN campaigns c ON c.number = a.campaign AND c.active_version = a.version
         WHERE c.number = @campaign`,
      )
      .get({ campaign }) as NewAudience | undefined;
    if (active === undefined) return;
    const size = audienceSize(request, active.candidates, active.populationSize);
    if (size !== active.size) this.#add({ ...active, size }, now);
  }

  /** Makes a version the active one, and writes that down as a change. @throws AppError audience_not_found */
  activate(campaign: number, version: number, now: number): void {
    const row = this.#database
      .prepare(
        `SELECT c.id, c.active_version AS previous, a.size
         FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = @version
         WHERE c.number = @campaign`,
      )
      .get({ version, campaign }) as { id: string; previous: number | null; size: number | null };
    if (row.size === null) throw audienceNotFound(row.id, version);
    if (row.previous === version) return;
    updateRow(this.#database, 'campaigns', campaign, { active_version: version, updated_at: now });
    insertRow(this.#database, 'changes', {
      campaign_id: row.id,
      kind: 'activated',
      version,
      previous_version: row.previous,
      size: row.size,
      changed_at: now,
    });
    this.forget();
  }

  /** Writes down that a campaign that has an audience is about to be deleted; runs inside the caller's transaction. */
  recordDeletion({ id, version }: LastOfCampaign, now: number): void {
    if (version !== null)
      insertRow(this.#database, 'changes', {
        campaign_id: id,
        kind: 'deleted',
        previous_version: version,
        changed_at: now,
      });
    this.forget();
  }

  /**
   * The active audience of a campaign, from memory where no active version changed in between.
   * @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds).
   */
  active(id: string): Audience {
    this.#dropStale();
    const cached = this.#active.get(id);
    if (cached !== undefined) return cached;
    const found = this.#find('AND c.active_version = a.version WHERE c.id = @id', { id });
    if (found === null) throw this.#notReady(id);
    if (this.#active.size >= CACHED_AUDIENCES) this.#active.clear();
    this.#active.set(id, found);
    return found;
  }

  /** The active audiences of all campaigns, oldest campaign first, from memory where none changed in between. */
  allActive(): readonly Audience[] {
    this.#dropStale();
    this.#all ??= this.#select('AND c.active_version = a.version ORDER BY c.number', {}).map(toAudience);
    return this.#all;
  }

  /** @throws AppError campaign_not_found, audience_not_found */
  version(id: string, version: number): Audience {
    const found = this.#find('WHERE c.id = @id AND a.version = @version', { id, version });
    if (found !== null) return found;
    this.#stateOf(id);
    throw audienceNotFound(id, version);
  }

  /** Newest first. @throws AppError campaign_not_found, invalid_cursor */
  list(id: string, query: PageQuery): Page<Audience> {
    const bounds = boundsOf('audiences', query);
    this.#stateOf(id);
    const which = 'WHERE c.id = @id AND a.version < @before ORDER BY a.version DESC LIMIT @most';
    const rows = this.#select(which, { id, ...bounds }).map((row) => ({ number: row.version, row }));
    return pageOf(
      'audiences',
      rows,
      query.limit,
      ({ row }) => toAudience(row),
      (page) => wholeRows(this.#database, page, ({ row }) => referencesOf(row)),
    );
  }

  /**
   * Removes versions that are not active and beyond the newest `versions`, or made before `before`; runs inside the
   * caller's transaction.
   */
  prune(versions: number, before: number): number {
    return deleteRows(
      this.#database,
      'audiences',
      `(campaign, version) IN (
         SELECT a.campaign, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign
         WHERE a.version IS NOT c.active_version
           AND (a.created_at < @before OR @versions <= (
             SELECT count(*) FROM audiences b
             WHERE b.campaign = a.campaign AND b.version > a.version AND b.version IS NOT c.active_version)))`,
      { versions, before },
    );
  }

  /** Folders of rankings that a version is of, relative to the data folder. */
  folders(): ReadonlySet<string> {
    return new Set(this.#database.prepare('SELECT DISTINCT folder FROM audiences').pluck().all() as string[]);
  }

  /** Forgets what is remembered: `data_version` does not change by this connection's own commits. */
  forget(): void {
    this.#active.clear();
    this.#all = null;
  }

  #add(audience: NewAudience, now: number): void {
    const { campaign, expansion, size, candidates, populationSize, folder, populationVersion } = audience;
    // counted on from the changes too: the number of a version that was pruned is not given again
    const version = this.#database
      .prepare(
        `SELECT 1 + max(
           coalesce((SELECT max(version) FROM audiences WHERE campaign = @campaign), 0),
           coalesce((SELECT max(version) FROM changes
                     WHERE campaign_id = (SELECT id FROM campaigns WHERE number = @campaign)), 0))`,
      )
      .pluck()
      .get({ campaign }) as number;
    insertRow(this.#database, 'audiences', {
      campaign,
      version,
      expansion,
      size,
      candidates,
      population_size: populationSize,
      folder,
      population_version: populationVersion,
      created_at: now,
    });
    this.activate(campaign, version, now);
  }

  #dropStale(): void {
    const dataVersion = this.#freshness.version();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    // most commits change no active version: leases, stages, webhooks
    const lastChange = this.#readLastChange.get() as number | null;
    if (lastChange === this.#lastChange) return;
    this.#lastChange = lastChange;
    this.forget();
  }

  #select(which: string, parameters: Bound): AudienceRow[] {
    return this.#database.prepare(`${SELECT_AUDIENCE} ${which}`).all(parameters) as AudienceRow[];
  }

  #find(which: string, parameters: Bound): Audience | null {
    const row = this.#select(which, parameters)[0];
    if (row === undefined) return null;
    refuseDamaged(this.#database, referencesOf(row));
    return toAudience(row);
  }

  #notReady(id: string): AppError {
    const state = this.#stateOf(id);
    const [what, retryAfter] =
      state === null
        ? ['it was never expanded', RETRY_AFTER_END_SECONDS]
        : [`its expansion is ${state}`, isEnd(state) ? RETRY_AFTER_END_SECONDS : RETRY_AFTER_SECONDS];
    return new AppError('audience_not_ready', `campaign ${id} has no audience; ${what}`, {
      facts: { state, retry_after: retryAfter },
    });
  }

  #stateOf(id: string): ExpansionState | null {
    const row = this.#database
      .prepare(
        `SELECT e.state FROM campaigns c LEFT JOIN expansions e ON e.campaign = c.number AND e.latest = 1
         WHERE c.id = @id`,
      )
      .get({ id }) as { state: ExpansionState | null } | undefined;
    if (row === undefined) throw campaignNotFound(id);
    return row.state;
  }
}

function referencesOf({ number, version }: AudienceRow): RowReference[] {
  return [['audiences', { campaign: number, version }]];
}

function toAudience(row: AudienceRow): Audience {
  const { number: _, ...audience } = readRow(COLUMNS, row) as AudienceRow;
  return audience;
}
