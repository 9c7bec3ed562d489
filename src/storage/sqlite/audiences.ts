/** Stores audience versions and the active version of each campaign in SQLite, with a cache for look-ups. */
import { audienceNotReady, audienceSize, changesAfter, newSize, nextVersion } from '../../domain/audiences.ts';
import { encodeCursor } from '../../domain/cursors.ts';
import { audienceNotFound, campaignNotFound } from '../../domain/not-found.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Audiences } from '../../domain/ports/audiences.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type {
  Audience,
  AudienceRequest,
  Change,
  Changes,
  ExpansionResult,
  Page,
  PageQuery,
} from '../../domain/types.ts';
import { audienceColumns, type NewAudience } from '../rows/audiences.ts';
import { boundsOf, readRow, selectList } from '../rows/columns.ts';
import type { AudienceEvent, LastOfCampaign } from '../rows/webhooks.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Connection } from './connection.ts';
import { flag, insertRow, pageOf, updateRow } from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import { type Bound, type Database, write } from './database/database.ts';
import type { Freshness } from './database/driver.ts';
import type { EventLog } from './events.ts';
import type { Synchronous } from './promised.ts';

/** Maximum number of campaigns whose active audience is cached (about 400 bytes each). */
const CACHED_AUDIENCES = 10_000;

const COLUMNS = audienceColumns(flag('a.version = c.active_version'));

const SELECT_AUDIENCE = `
  SELECT ${selectList(COLUMNS)}, a.campaign AS number
  FROM audiences a JOIN campaigns c ON c.number = a.campaign JOIN expansions e ON e.number = a.expansion`;

/** A selected row of a version, with the number of the campaign. */
type AudienceRow = Audience & { readonly number: number };

/** Its dependencies. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly events: EventLog;
  readonly freshness: Freshness;
}

export class SqliteAudiences implements Synchronous<Audiences> {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #parts: Parts;
  readonly #active = new Map<string, Audience>();
  #all: readonly Audience[] | null = null;
  #dataVersion = -1;
  /** Sequence number of the last active-version change that is reflected in the cache. */
  #lastChange: number | null = null;
  readonly #readLastChange;

  constructor({ database, options }: Connection, parts: Parts) {
    this.#database = database;
    this.#now = () => options.clock.now();
    this.#parts = parts;
    this.#readLastChange = database.prepare('SELECT max(number) FROM changes').pluck();
  }

  /** Makes the result of an expansion the active version of the campaign, inside the caller's transaction. */
  publish(expansion: number, result: ExpansionResult, now: number): void {
    const { audience, ...row } = this.#database
      .prepare(
        `SELECT e.campaign, e.population_version AS populationVersion, c.audience
         FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = @expansion`,
      )
      .get({ expansion }) as { campaign: number; populationVersion: string; audience: string };
    const { candidates, populationSize, folder } = result;
    const size = audienceSize(JSON.parse(audience) as AudienceRequest, candidates, populationSize);
    this.#add({ ...row, expansion, size, candidates, populationSize, folder }, now);
  }

  /** Adds a version of the active ranking with the requested size, unless the active version already has that size. */
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
    const size = newSize(active, request);
    if (size !== null) this.#add({ ...active, size }, now, 'campaign.resized');
  }

  /**
   * Makes a version active and records the change in `changes`. If a caller requested the change, webhooks are
   * notified.
   * @throws AppError audience_not_found
   */
  #activate(campaign: number, version: number, now: number, event: AudienceEvent | null): void {
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
      ...{ campaign_id: row.id, kind: 'activated', changed_at: now },
      ...{ version, previous_version: row.previous, size: row.size },
    });
    if (event !== null) this.#parts.events.audienceChanged(event, campaign, row.previous, now);
    this.forget();
  }

  /** Records, inside the caller's transaction, that a campaign with an audience is about to be deleted. */
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

  activeAudience(id: string): Audience {
    this.#dropStale();
    const cached = this.#active.get(id);
    if (cached !== undefined) return cached;
    const found = this.#find('AND c.active_version = a.version WHERE c.id = @id', { id });
    if (found === null) throw audienceNotReady(id, this.#stateOf(id));
    if (this.#active.size >= CACHED_AUDIENCES) this.#active.clear();
    this.#active.set(id, found);
    return found;
  }

  activeAudiences(): readonly Audience[] {
    this.#dropStale();
    this.#all ??= this.#select('AND c.active_version = a.version ORDER BY c.number', {}).map(toAudience);
    return this.#all;
  }

  audienceVersion(id: string, version: number): Audience {
    const found = this.#find('WHERE c.id = @id AND a.version = @version', { id, version });
    if (found !== null) return found;
    this.#stateOf(id);
    throw audienceNotFound(id, version);
  }

  audienceVersions(id: string, query: PageQuery): Page<Audience> {
    const bounds = boundsOf('audiences', query);
    this.#stateOf(id);
    const which = 'WHERE c.id = @id AND a.version < @before ORDER BY a.version DESC LIMIT @most';
    const rows = this.#select(which, { id, ...bounds }).map((row) => ({ number: row.version, row }));
    return pageOf(
      this.#database,
      'audiences',
      rows,
      query.limit,
      ({ row }) => referencesOf(row),
      ({ row }) => toAudience(row),
    );
  }

  activate(id: string, version: number, accept?: Accept<number | null>): Audience {
    const { campaigns } = this.#parts;
    write(this.#database, () => {
      accept?.(campaigns.get(id).audienceVersion);
      this.#activate(campaigns.getNumber(id), version, this.#now(), 'campaign.activated');
      campaigns.get(id); // throws if the version's row is damaged
    });
    return this.activeAudience(id);
  }

  changes(since: string | undefined, limit: number): Changes {
    const last = (this.#database.prepare('SELECT max(number) FROM changes').pluck().get() ?? 0) as number;
    const after = changesAfter(since, last);
    const rows = this.#database
      .prepare(
        `SELECT number, campaign_id AS campaignId, kind, version, previous_version AS previousVersion, size,
           changed_at AS changedAt
         FROM changes WHERE number > @after ORDER BY number LIMIT @most`,
      )
      .all({ after, most: limit + 1 }) as (Change & { readonly number: number })[];
    const { items, nextCursor } = pageOf(
      this.#database,
      'changes',
      rows,
      limit,
      ({ number }) => [['changes', { number }]],
      ({ number: _, ...change }) => change,
    );
    return {
      items,
      nextCursor: nextCursor ?? encodeCursor('changes', rows.at(-1)?.number ?? after),
      hasMore: nextCursor !== null,
    };
  }

  /** Empties the cache after commits by this connection, which do not change `data_version`. */
  forget(): void {
    this.#active.clear();
    this.#all = null;
  }

  #add(audience: NewAudience, now: number, event: AudienceEvent | null = null): void {
    const { campaign, expansion, size, candidates, populationSize, folder, populationVersion } = audience;
    const { newest, newestChange } = this.#database
      .prepare(
        `SELECT (SELECT max(version) FROM audiences WHERE campaign = @campaign) AS newest,
           (SELECT max(version) FROM changes
            WHERE campaign_id = (SELECT id FROM campaigns WHERE number = @campaign)) AS newestChange`,
      )
      .get({ campaign }) as { readonly newest: number | null; readonly newestChange: number | null };
    const version = nextVersion(newest, newestChange);
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
    this.#activate(campaign, version, now, event);
  }

  #dropStale(): void {
    const dataVersion = this.#parts.freshness.version();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    // most commits (leases, stages, webhooks) change no active version
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
