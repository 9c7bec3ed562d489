/** Stores audience versions and the active version of each campaign. Look-ups read from memory. */
import {
  audienceNotReady,
  audienceSize,
  changesAfter,
  nextVersion,
  recut,
  resolveCuts,
} from '../../domain/audiences.ts';
import type { Window } from '../../domain/conversions.ts';
import { encodeCursor } from '../../domain/cursors.ts';
import type { AudienceCut, CutRequest } from '../../domain/cuts.ts';
import { audienceNotFound, campaignNotFound } from '../../domain/not-found.ts';
import type { Changes, Page, PageQuery } from '../../domain/pages.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Audiences } from '../../domain/ports/audiences.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Audience, AudienceRequest, CampaignChange, Change, ExpansionResult } from '../../domain/types.ts';
import { ActiveAudiences } from './active-audiences.ts';
import { readActive, readNumbered, referencesOf } from './audience-rows.ts';
import { getLocked } from './campaign-rows.ts';
import { boundsOf, insert, insertRow, pageOf, refuseDamaged, updateRow } from './columns.ts';
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
      populationVersion: string;
      audience: string;
      cuts: string;
      holdoutPercent: number;
    }>(
      `SELECT e.campaign, e.population_version AS "populationVersion", c.audience,
         c.cuts, c.holdout_percent AS "holdoutPercent"
       FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = @expansion`,
      { expansion },
    );
    const { campaign, populationVersion, audience, holdoutPercent } = row!;
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
    await this.#add(t, version, now);
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
    if (next !== null) await this.#add(t, { ...active, ...next }, now, 'campaign.resized');
  }

  /** Records, in the caller's transaction, that a campaign with an audience is about to be deleted. */
  async recordDeletion(t: Transaction, { id, version }: LastOfCampaign, now: number): Promise<void> {
    if (version === null) return;
    const none = { version: null, size: null, cuts: null };
    await this.#record(t, { campaignId: id, kind: 'deleted', previousVersion: version, ...none }, now);
  }

  activeAudience(id: string): Promise<Audience> {
    return this.#active.get(id);
  }

  activeAudiences(): Promise<readonly Audience[]> {
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
      await this.#activate(t, number, version, this.#now(), 'campaign.activated', accept);
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

  async changes(since: string | undefined, limit: number): Promise<Changes> {
    const newest = await this.#database.get<{ readonly last: number }>(
      'SELECT coalesce(max(number), 0) AS last FROM changes',
    );
    const after = changesAfter(since, newest!.last);
    const rows = await this.#database.all<
      Omit<Change, 'cuts'> & { readonly number: number; readonly cuts: string | null }
    >(
      `SELECT number, campaign_id AS "campaignId", kind, version, previous_version AS "previousVersion", size, cuts,
         changed_at AS "changedAt"
       FROM changes WHERE number > @after ORDER BY number LIMIT @most`,
      { after, most: limit + 1 },
    );
    const { items, nextCursor } = await pageOf(
      this.#database,
      'changes',
      rows,
      limit,
      ({ number }) => [['changes', { number }]],
      ({ number: _, cuts, ...change }) => ({
        ...change,
        cuts: cuts === null ? null : readJson<readonly AudienceCut[]>(cuts, 'changes.cuts'),
      }),
    );
    const last = rows.at(-1)?.number ?? after;
    return { items, nextCursor: nextCursor ?? encodeCursor('changes', last), hasMore: nextCursor !== null };
  }

  /**
   * Makes a version active and records this in `changes`. If a caller requested it, webhooks are notified.
   * @throws AppError audience_not_found; the errors of `accept`
   */
  async #activate(
    t: Transaction,
    campaign: number,
    version: number,
    now: number,
    event: AudienceEvent | null,
    accept?: Accept<number | null>,
  ): Promise<void> {
    const row = await t.get<{ id: string; previous: number | null; size: number | null; cuts: string }>(
      `SELECT c.id, c.active_version AS previous, a.size, a.cuts
       FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = @version
       WHERE c.number = @campaign`,
      { version, campaign },
    );
    const { id, previous, size } = row!;
    accept?.(previous);
    if (size === null) throw audienceNotFound(id, version);
    if (previous === version) return;
    await updateRow(t, 'campaigns', campaign, { active_version: version, updated_at: now });
    if (event !== null) await this.#events.audienceChanged(t, event, campaign, previous, now);
    const cuts = readJson<readonly AudienceCut[]>(row!.cuts, 'a.cuts');
    await this.#record(t, { campaignId: id, kind: 'activated', version, previousVersion: previous, size, cuts }, now);
  }

  async #record(t: Transaction, change: Omit<Change, 'changedAt'>, now: number): Promise<void> {
    const { campaignId, kind, version, previousVersion, size, cuts } = change;
    await t.enterAlone('changes');
    await insertRow(t, 'changes', {
      campaign_id: campaignId,
      kind,
      version,
      previous_version: previousVersion,
      size,
      cuts: cuts && toJson(cuts),
      changed_at: now,
    });
    t.announce(ACTIVE, campaignId);
  }

  async #add(t: Transaction, audience: NewAudience, now: number, event: AudienceEvent | null = null): Promise<void> {
    const { campaign, expansion, size, holdoutPercent, cuts, candidates, populationSize, folder, populationVersion } =
      audience;
    const versions = await t.get<{ readonly newest: number | null; readonly newestChange: number | null }>(
      `SELECT (SELECT max(version) FROM audiences WHERE campaign = @campaign) AS newest,
         (SELECT max(version) FROM changes
          WHERE campaign_id = (SELECT id FROM campaigns WHERE number = @campaign)) AS "newestChange"`,
      { campaign },
    );
    const version = nextVersion(versions!.newest, versions!.newestChange);
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
    });
    await this.#activate(t, campaign, version, now, event);
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
