import { campaignNotFound } from '../../domain/not-found.ts';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import { EXPANSION_STATES, type ExpansionState } from '../../domain/states.ts';
import type { Campaign, CampaignPage, CampaignQuery, Labels } from '../../domain/types.ts';
import {
  type CampaignInputs,
  type CampaignRow,
  campaignColumns,
  inputColumns,
  type RefreshedCampaign,
  refreshedColumns,
  toCampaign,
  toRefreshed,
} from '../rows/campaigns.ts';
import { boundsOf, readRow, selectList } from '../rows/columns.ts';
import { pageOf, SQLITE, toJson } from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import type { Database } from './database/driver.ts';
import type { Synchronous } from './promised.ts';
import { remainingTimes } from './remaining-time.ts';

const COLUMNS = campaignColumns(SQLITE);

const SELECT_CAMPAIGN = `
  SELECT ${selectList(COLUMNS)}
  FROM campaigns c
  JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  LEFT JOIN jobs j ON j.expansion = e.number
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number = a.expansion`;

const REFRESHED = refreshedColumns(SQLITE);
const INPUTS = inputColumns(SQLITE);

export class CampaignRows implements Synchronous<Omit<Campaigns, 'create' | 'answerOf' | 'update' | 'delete'>> {
  readonly #database: Database;
  /** Prepared once, because every campaign read runs this statement, and preparing takes as long as running it. */
  readonly #select;

  constructor(database: Database) {
    this.#database = database;
    this.#select = database.prepare(`${SELECT_CAMPAIGN} WHERE c.id = @id`);
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
    return COLUMNS.labels.read!(row.labels);
  }

  /** The id of the campaign with this external id; undefined if there is no such campaign. */
  idOf(externalId: string): string | undefined {
    return this.#database
      .prepare('SELECT id FROM campaigns WHERE external_id = @externalId')
      .pluck()
      .get({ externalId }) as string | undefined;
  }

  list(query: CampaignQuery): CampaignPage {
    const rows = this.#database
      .prepare(`${SELECT_CAMPAIGN} WHERE c.number < @before ${filterOf(query)} ORDER BY c.number DESC LIMIT @most`)
      .all({ ...boundsOf('campaigns', query), ...filterValues(query) }) as CampaignReferences[];
    const remaining = remainingTimes(this.#database);
    return pageOf(this.#database, 'campaigns', rows, query.limit, referencesOf, (row) =>
      this.#toCampaign(row, remaining),
    );
  }

  /** Campaigns with a refresh policy, seeds and an ended latest expansion, in the order of these expansions. */
  refreshed(): readonly RefreshedCampaign[] {
    return this.#database
      .prepare(
        `SELECT ${selectList(REFRESHED)}
         FROM campaigns c JOIN installation i
         JOIN expansions e ON e.campaign = c.number AND e.latest = 1
         LEFT JOIN jobs j ON j.expansion = e.number
         WHERE j.number IS NULL AND c.seed_set IS NOT NULL
           AND (c.refresh_every IS NOT NULL OR c.refresh_on_population = 1 OR c.refresh_on_change = 1)
         ORDER BY e.number`,
      )
      .all()
      .map((stored) => toRefreshed(readRow(REFRESHED, stored)));
  }

  countsByState(): Record<ExpansionState, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS count FROM expansions WHERE latest = 1 GROUP BY state')
      .all() as { state: ExpansionState; count: number }[];
    const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  #toCampaign(stored: unknown, remaining: ReturnType<typeof remainingTimes>): Campaign {
    const row = readRow(COLUMNS, stored);
    const { expansion: number, state } = row;
    return toCampaign(row, number === null || state === null ? null : remaining({ number, state }));
  }
}

type CampaignReferences = Pick<CampaignRow, 'number' | 'expansion' | 'audienceVersion'>;

/** The rows that contain the data of a campaign. */
function referencesOf(row: unknown): RowReference[] {
  const { number, expansion, audienceVersion } = row as CampaignReferences;
  return [
    ['campaigns', { number }],
    expansion === null ? null : ['expansions', { number: expansion }],
    audienceVersion === null ? null : ['audiences', { campaign: number, version: audienceVersion }],
  ];
}

/** Whether a campaign has all of the given labels. */
const HAS_LABELS = `NOT EXISTS (
  SELECT 1 FROM json_each(@labels) needed WHERE NOT EXISTS (
    SELECT 1 FROM json_each(CASE WHEN json_valid(c.labels) THEN c.labels ELSE '{}' END) own
    WHERE own.key = needed.key AND own.value = needed.value))`;

/** Searches with `instr`, because LIKE gives special meanings to `%` and `_`. */
const CONTAINS_TEXT = `(instr(lower(c.name), lower(@search)) > 0
  OR instr(lower(coalesce(c.external_id, '')), lower(@search)) > 0)`;

/** The conditions of a query, each after AND; `filterValues` returns the bound values. */
function filterOf({ state, externalId, labels, search }: CampaignQuery): string {
  return [
    state === undefined ? '' : 'AND e.state = @state',
    externalId === undefined ? '' : 'AND c.external_id = @externalId',
    labels === undefined ? '' : `AND ${HAS_LABELS}`,
    search === undefined ? '' : `AND ${CONTAINS_TEXT}`,
  ].join(' ');
}

function filterValues({ state, externalId, labels, search }: CampaignQuery) {
  return {
    ...{ state: state ?? null, externalId: externalId ?? null, search: search ?? null },
    labels: toJson(labels) ?? null,
  };
}
