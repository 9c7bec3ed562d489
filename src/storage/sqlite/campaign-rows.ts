/** Reads rows of campaigns, with the latest expansion and the active audience. */
import { COPIED_INPUTS, type CopiedInput, type EndedExpansion, needsExpansion } from '../../domain/campaigns.ts';
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import { campaignNotFound } from '../../domain/not-found.ts';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import { EXPANSION_STATES, type ExpansionState } from '../../domain/states.ts';
import type {
  AudienceRequest,
  Campaign,
  CampaignPage,
  CampaignQuery,
  Excluded,
  Labels,
  Reason,
  RefreshPolicy,
  SeedCounts,
} from '../../domain/types.ts';
import {
  boundsOf,
  type Column,
  flag,
  json,
  pageOf,
  plain,
  type RowOf,
  readRow,
  selectList,
  toJson,
  type Value,
} from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import type { Database } from './database/driver.ts';
import type { Synchronous } from './promised.ts';
import { remainingTimes } from './remaining-time.ts';
import { decodeCounts } from './set-rows.ts';

/** The columns of each input: in the campaign `c` or the installation `i`, and in the copy that an expansion keeps. */
const COPIES: Readonly<Record<CopiedInput, readonly [own: string, copy: string]>> = {
  features: ['c.features', 'features'],
  filters: ['c.filters', 'filters'],
  seeds: ['c.seed_set', 'seed_set'],
  suppression: ['c.suppression_set', 'suppression_set'],
  commonSuppression: ['i.suppression_set', 'common_suppression_set'],
};

/** Whether an expansion has the campaign's current inputs; null if there is no expansion. */
function same(expansion: string): Column<boolean | null> {
  const all = COPIED_INPUTS.map((input) => `${COPIES[input][0]} IS ${expansion}.${COPIES[input][1]}`).join(' AND ');
  const sql = `CASE WHEN ${expansion}.number IS NOT NULL THEN ${all} END`;
  return { sql, read: (stored) => (stored === null ? null : stored === 1) };
}

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

function readCounts(stored: Value): SeedCounts {
  return stored === null ? NO_SEEDS : decodeCounts(stored as string);
}

/** The columns of a campaign. A new column is added here, in `#toCampaign`, and in `columnsOf` of campaigns.ts. */
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
  hasSeeds: flag('c.seed_set IS NOT NULL'),
  isLatestRunning: flag('j.number IS NOT NULL'),
  sameAsLatest: same('e'),
  sameAsActive: same('x'),
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
  LEFT JOIN jobs j ON j.expansion = e.number
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number = a.expansion`;

/** A campaign with a refresh policy, and its latest expansion. */
const REFRESHED = {
  id: COLUMNS.id,
  everyMs: COLUMNS.everyMs,
  onNewPopulation: COLUMNS.onNewPopulation,
  onChange: COLUMNS.onChange,
  state: plain<ExpansionState>('e.state'),
  createdAt: plain<number>('e.created_at'),
  populationVersion: plain<string | null>('e.population_version'),
  hasSameInputs: flag(same('e').sql),
};

interface RefreshedCampaign {
  readonly id: string;
  readonly policy: RefreshPolicy;
  readonly latest: EndedExpansion;
}

/** Inputs that an expansion copies from its campaign: stored features and filters. */
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
    return json<Labels>('c.labels').read!(row.labels);
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
      .map((stored) => {
        const { id, everyMs, onNewPopulation, onChange, ...latest } = readRow(REFRESHED, stored);
        return { id, policy: { everyMs, onNewPopulation, onChange }, latest };
      });
  }

  countsByState(): Record<ExpansionState, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS count FROM expansions WHERE latest = 1 GROUP BY state')
      .all() as { state: ExpansionState; count: number }[];
    const counts = Object.fromEntries(EXPANSION_STATES.map((state) => [state, 0])) as Record<ExpansionState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /** Converts a row field by field, because copying the row without some columns made lists take twice as long. */
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
      needsExpansion: needsExpansion(row),
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
