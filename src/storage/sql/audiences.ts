/** Stores audience versions and the active version of each campaign. Look-ups read from memory. */
import { audienceNotReady, audienceSize, nextVersion, recut, resolveCuts } from '../../domain/audiences.ts';
import type { Cause, Change, ChangeCause, VersionCause } from '../../domain/changes.ts';
import type { Window } from '../../domain/conversions.ts';
import type { AudienceCut, CutRequest } from '../../domain/cuts.ts';
import { audienceNotFound, campaignNotFound } from '../../domain/not-found.ts';
import type { Changes, Page, PageQuery } from '../../domain/pages.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Audiences } from '../../domain/ports/audiences.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Audience, AudienceRequest, CampaignChange, ExpansionResult } from '../../domain/types.ts';
import { ActiveAudiences } from './active-audiences.ts';
import { readActive, readNumbered, referencesOf } from './audience-rows.ts';
import { getLocked } from './campaign-rows.ts';
import { findChangedParts, insertChange, readChanges } from './changes.ts';
import { boundsOf, insert, pageOf, refuseDamaged, updateRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { AudienceEvent, EventLog, LastOfCampaign } from './events.ts';
import { readJson, toJson } from './json.ts';
import { Remembered } from './remembered.ts';
import type { Bound, Database, Transaction } from './sql.ts';

/** Maximum number of campaigns whose active audience is kept in memory (about 400 bytes each). */
const REMEMBERED_AUDIENCES = 10_000;
/** The topic announced, with the campaign's id, when another version becomes active. */
const ACTIVE = 'audience';
/** The memory key of the active audiences of all campaigns. */
const ALL = '';

/** A version to insert, with the numbers of the campaign and the expansion. */
type NewAudience = Pick<
  Audience,
  'size' | 'cuts' | 'candidates' | 'populationSize' | 'folder' | 'populationVersion'
> & {
  readonly holdoutPercent: number;
  readonly campaign: number;
  readonly expansion: number;
};

/** The events for changes that callers make. The end of an expansion has its own events. */
const EVENTS: { readonly [C in ChangeCause]?: AudienceEvent } = {
  resize: 'campaign.resized',
  rollback: 'campaign.activated',
};

/** A change to another version. */
type Switch = Change & { readonly version: number };

interface RollBackRow {
  readonly id: string;
  readonly previous: number | null;
  readonly expansion: number;
  /** Null if the version does not exist. */
  readonly size: number | null;
  readonly holdoutPercent: number;
  /** JSON. */
  readonly cuts: string;
}

interface CampaignVersions extends Pick<RollBackRow, 'id' | 'previous'> {
  readonly newest: number | null;
  readonly newestChange: number | null;
}

export class AudienceRepository implements Audiences {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #events: EventLog;
  readonly #active: Remembered<Audience>;
  readonly #all: Remembered<readonly Audience[]>;

  constructor({ database, options }: StoreDependencies, events: EventLog) {
    this.#database = database;
    this.#now = () => options.clock.now();
    this.#events = events;
    this.#active = new Remembered(database, ACTIVE, REMEMBERED_AUDIENCES, (id) => this.#readActive(id));
    const all = new ActiveAudiences(database, readActive);
    this.#all = new Remembered(database, ACTIVE, 1, () => all.read());
  }

  /** Makes the result of an expansion the active version of the campaign, inside the caller's transaction. */
  async publish(t: Transaction, expansion: number, result: ExpansionResult, now: number): Promise<void> {
    const row = await t.get<{
      campaign: number;
      cause: Cause;
      populationVersion: string;
      audience: string;
      cuts: string;
      holdoutPercent: number;
    }>(
      `SELECT e.campaign, e.cause, e.population_version AS "populationVersion", c.audience,
         c.cuts, c.holdout_percent AS "holdoutPercent"
       FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = @expansion`,
      { expansion },
    );
    const { campaign, cause, populationVersion, audience, holdoutPercent } = row!;
    const wantedCuts = readJson<readonly CutRequest[]>(row!.cuts, 'c.cuts');
    const { candidates, populationSize, folder } = result;
    const size = audienceSize(readJson<AudienceRequest>(audience, 'c.audience'), candidates, populationSize);
    const version = {
      campaign,
      populationVersion,
      expansion,
      size,
      holdoutPercent,
      cuts: resolveCuts(wantedCuts, candidates, populationSize),
      candidates,
      populationSize,
      folder,
    };
    await this.#add(t, version, now, cause);
  }

  /**
   * Adds a version of the active ranking if a change of the campaign requests a different size, hold-out or set of
   * cuts.
   */
  async recut(t: Transaction, campaign: number, change: CampaignChange, now: number): Promise<void> {
    if (change.audience === undefined && change.holdoutPercent === undefined && change.cuts === undefined) return;
    const row = await t.get<Omit<NewAudience, 'cuts'> & { readonly cuts: string }>(
      `SELECT a.campaign, a.expansion, a.size, a.holdout_percent AS "holdoutPercent", a.cuts, a.candidates,
         a.population_size AS "populationSize", a.folder, a.population_version AS "populationVersion"
       FROM audiences a JOIN campaigns c ON c.number = a.campaign AND c.active_version = a.version
       WHERE c.number = @campaign`,
      { campaign },
    );
    if (row === undefined) return;
    const active = { ...row, cuts: readJson<readonly AudienceCut[]>(row.cuts, 'a.cuts') };
    const next = recut(active, change);
    if (next !== null) await this.#add(t, { ...active, ...next }, now, 'resize');
  }

  /** Records, in the caller's transaction, that a campaign with an audience is about to be deleted. */
  async recordDeletion(t: Transaction, { id, version }: LastOfCampaign, now: number): Promise<void> {
    if (version === null) return;
    const none = { changed: null, version: null, size: null, cuts: null };
    await this.#record(t, { campaignId: id, cause: 'deletion', previousVersion: version, changedAt: now, ...none });
  }

  activeAudience(id: string): Audience | Promise<Audience> {
    return this.#active.get(id);
  }

  async activeAudiences(): Promise<readonly Audience[]> {
    return this.#all.get(ALL);
  }

  async audienceVersion(id: string, version: number): Promise<Audience> {
    const found = await this.#find('WHERE c.id = @id AND a.version = @version', { id, version });
    if (found !== null) return found;
    await this.#stateOf(id);
    throw audienceNotFound(id, version);
  }

  async audienceVersions(id: string, query: PageQuery): Promise<Page<Audience>> {
    const bounds = boundsOf('audiences', query);
    await this.#stateOf(id);
    const which = 'WHERE c.id = @id AND a.version < @before ORDER BY a.version DESC LIMIT @most';
    const found = await readNumbered(this.#database, which, { id, ...bounds });
    const rows = found.map((row) => ({ number: row.audience.version, row }));
    return pageOf(
      this.#database,
      'audiences',
      rows,
      query.limit,
      ({ row }) => referencesOf(row),
      ({ row }) => row.audience,
    );
  }

  async activate(id: string, version: number, accept?: Accept<number | null>): Promise<Audience> {
    await this.#database.write(async (t) => {
      const number = await getLocked(t, id);
      await this.#rollBack(t, number, version, accept);
      const audience = ['audiences', { campaign: number, version }] as const;
      await refuseDamaged(t, [['campaigns', { number }], audience]);
    }, 'readCommitted');
    return this.activeAudience(id);
  }

  async holdoutPercentsIn(id: string, { from, to }: Window): Promise<readonly number[]> {
    const rows = await this.#database.all<{ readonly percent: number }>(
      `SELECT DISTINCT a.holdout_percent AS percent FROM changes h
       JOIN campaigns c ON c.id = h.campaign_id JOIN audiences a ON a.campaign = c.number AND a.version = h.version
       WHERE h.campaign_id = @id AND h.changed_at < @to AND h.number >= coalesce(
         (SELECT max(number) FROM changes WHERE campaign_id = @id AND changed_at <= @from), 0)
       ORDER BY percent`,
      { id, from, to },
    );
    return rows.map(({ percent }) => percent);
  }

  changes(since: string | undefined, limit: number): Promise<Changes> {
    return readChanges(this.#database, since, limit);
  }

  /** @throws AppError audience_not_found; the errors of `accept` */
  async #rollBack(t: Transaction, campaign: number, version: number, accept?: Accept<number | null>): Promise<void> {
    const row = (await t.get<RollBackRow>(
      `SELECT c.id, c.active_version AS previous, a.expansion, a.size, a.holdout_percent AS "holdoutPercent", a.cuts
       FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = @version
       WHERE c.number = @campaign`,
      { version, campaign },
    ))!;
    const { id, previous, size, expansion, holdoutPercent } = row;
    accept?.(previous);
    if (size === null) throw audienceNotFound(id, version);
    if (previous === version) return;
    const cuts = readJson<readonly AudienceCut[]>(row.cuts, 'a.cuts');
    const changed = await findChangedParts(t, campaign, previous, { expansion, size, holdoutPercent, cuts });
    await this.#activate(t, campaign, {
      ...{ campaignId: id, cause: 'rollback', changed, version, previousVersion: previous, size, cuts },
      changedAt: this.#now(),
    });
  }

  /** Makes a version active and records this in `changes`. If a caller requested it, webhooks are notified. */
  async #activate(t: Transaction, campaign: number, change: Switch): Promise<void> {
    const { cause, changed, version, previousVersion, changedAt: now } = change;
    await updateRow(t, 'campaigns', campaign, { active_version: version, updated_at: now });
    const event = EVENTS[cause];
    if (event !== undefined) await this.#events.audienceChanged(t, event, campaign, { previousVersion, changed }, now);
    await this.#record(t, change);
  }

  async #record(t: Transaction, change: Change): Promise<void> {
    await insertChange(t, change);
    t.announce(ACTIVE, change.campaignId);
  }

  async #add(t: Transaction, audience: NewAudience, now: number, cause: VersionCause): Promise<void> {
    const { campaign, expansion, size, holdoutPercent, cuts, candidates, populationSize, folder, populationVersion } =
      audience;
    const row = await t.get<CampaignVersions>(
      `SELECT c.id, c.active_version AS previous,
         (SELECT max(version) FROM audiences WHERE campaign = c.number) AS newest,
         (SELECT max(version) FROM changes WHERE campaign_id = c.id) AS "newestChange"
       FROM campaigns c WHERE c.number = @campaign`,
      { campaign },
    );
    const { id, previous, newest, newestChange } = row!;
    const version = nextVersion(newest, newestChange);
    const changed = await findChangedParts(t, campaign, previous, audience);
    await insert(t, 'audiences', {
      campaign,
      version,
      expansion,
      size,
      holdout_percent: holdoutPercent,
      cuts: toJson(cuts),
      candidates,
      population_size: populationSize,
      folder,
      population_version: populationVersion,
      created_at: now,
      cause,
      changed: toJson(changed),
    });
    const change = { campaignId: id, cause, changed, version, previousVersion: previous, size, cuts, changedAt: now };
    await this.#activate(t, campaign, change);
  }

  async #readActive(id: string): Promise<Audience> {
    const found = await this.#find('AND c.active_version = a.version WHERE c.id = @id', { id });
    if (found === null) throw audienceNotReady(id, await this.#stateOf(id));
    return found;
  }

  async #find(which: string, bound: Bound): Promise<Audience | null> {
    const [row] = await readNumbered(this.#database, which, bound);
    if (row === undefined) return null;
    await refuseDamaged(this.#database, referencesOf(row));
    return row.audience;
  }

  async #stateOf(id: string): Promise<ExpansionState | null> {
    const row = await this.#database.get<{ readonly state: ExpansionState | null }>(
      `SELECT e.state FROM campaigns c LEFT JOIN expansions e ON e.campaign = c.number AND e.latest WHERE c.id = @id`,
      { id },
    );
    if (row === undefined) throw campaignNotFound(id);
    return row.state;
  }
}
