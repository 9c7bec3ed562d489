/** Columns of campaigns, with the latest expansion and the active audience. */
import { COPIED_INPUTS, type CopiedInput, type EndedExpansion, needsExpansion } from '../../domain/campaigns.ts';
import type { CutRequest } from '../../domain/cuts.ts';
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type {
  AudienceRequest,
  Campaign,
  CampaignChange,
  Excluded,
  Labels,
  Reason,
  RefreshPolicy,
  SeedCounts,
} from '../../domain/types.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import { type Column, flag, json, plain, type RowOf } from './columns.ts';
import { Json, toJson } from './json.ts';
import { type StoredCounts, sumOf, toCounts } from './set-rows.ts';

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

/** The columns of a campaign. Add a new column here, in `toCampaign`, and in `campaignWrites`. */
export const CAMPAIGN_COLUMNS = {
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
  holdoutPercent: plain<number>('c.holdout_percent'),
  cuts: json<readonly CutRequest[]>('c.cuts'),
  everyMs: plain<number | null>('c.refresh_every'),
  onNewPopulation: flag('c.refresh_on_population'),
  onChange: flag('c.refresh_on_change'),
  negativeWeight: plain<number>('c.negative_weight'),
  category: plain<SpecialCategory | null>('c.category'),
  fourFifths: plain<string | null>('c.four_fifths'),
  seeds: seedCounts(),
  createdAt: plain<number>('c.created_at'),
  updatedAt: plain<number>('CASE WHEN e.updated_at > c.updated_at THEN e.updated_at ELSE c.updated_at END'),
  hasSeeds: flag('c.seed_set IS NOT NULL'),
  isLatestRunning: flag('j.number IS NOT NULL'),
  sameAsLatest: isSame('e'),
  sameAsActive: isSame('x'),
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

export type CampaignRow = RowOf<typeof CAMPAIGN_COLUMNS>;

/** Converts a row field by field: copying the row without some columns made lists take twice as long. */
export function toCampaign(row: CampaignRow, remainingMs: number | null): Campaign {
  return {
    id: row.id,
    externalId: row.externalId,
    name: row.name,
    labels: row.labels,
    features: row.features,
    filters: row.filters,
    audience: row.audience,
    holdoutPercent: row.holdoutPercent,
    cuts: row.cuts,
    refresh: { everyMs: row.everyMs, onNewPopulation: row.onNewPopulation, onChange: row.onChange },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    negativeWeight: row.negativeWeight,
    category: row.category,
    fourFifths: row.fourFifths,
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
    remainingMs,
  };
}

/** Columns for the fields that a caller has set. */
export function campaignWrites(given: CampaignChange) {
  return {
    external_id: given.externalId,
    name: given.name,
    labels: toJson(given.labels),
    features: toJson(given.features?.values),
    unknown_features: given.features?.counts.unknown,
    missing_features: given.features?.counts.missing,
    filters: toJson(given.filters),
    negative_weight: given.negativeWeight,
    category: given.category,
    four_fifths: given.fourFifths,
    audience: toJson(given.audience),
    holdout_percent: given.holdoutPercent,
    cuts: toJson(given.cuts),
    refresh_every: given.refresh?.everyMs,
    refresh_on_population: given.refresh?.onNewPopulation,
    refresh_on_change: given.refresh?.onChange,
  };
}

/** A campaign with a refresh policy, and its latest expansion. */
export const REFRESHED_COLUMNS = {
  id: CAMPAIGN_COLUMNS.id,
  everyMs: CAMPAIGN_COLUMNS.everyMs,
  onNewPopulation: CAMPAIGN_COLUMNS.onNewPopulation,
  onChange: CAMPAIGN_COLUMNS.onChange,
  state: plain<ExpansionState>('e.state'),
  createdAt: plain<number>('e.created_at'),
  populationVersion: plain<string | null>('e.population_version'),
  hasSameInputs: flag(isSame('e').sql),
};

export interface RefreshedCampaign {
  readonly id: string;
  readonly policy: RefreshPolicy;
  readonly latest: EndedExpansion;
}

export function toRefreshed(row: RowOf<typeof REFRESHED_COLUMNS>): RefreshedCampaign {
  const { id, everyMs, onNewPopulation, onChange, ...latest } = row;
  return { id, policy: { everyMs, onNewPopulation, onChange }, latest };
}

/** Inputs that an expansion copies from its campaign: stored features and filters. */
export const INPUT_COLUMNS = {
  number: plain<number>('c.number'),
  features: jsonText('c.features'),
  filters: jsonText('c.filters'),
  seedSet: plain<string | null>('c.seed_set'),
  seeds: CAMPAIGN_COLUMNS.seeds,
  seedCounts: json<StoredCounts | null>('c.seed_counts'),
  negativeSet: plain<string | null>('c.negative_set'),
  negativeCounts: json<StoredCounts | null>('c.negative_counts'),
  negativeWeight: CAMPAIGN_COLUMNS.negativeWeight,
  category: CAMPAIGN_COLUMNS.category,
  fourFifths: CAMPAIGN_COLUMNS.fourFifths,
  suppressionSet: plain<string | null>('c.suppression_set'),
  suppressionCounts: json<StoredCounts | null>('c.suppression_counts'),
  commonSuppressionSet: plain<string | null>('i.suppression_set'),
  commonSuppressionCounts: json<StoredCounts | null>('i.suppression_counts'),
};

export type CampaignInputs = RowOf<typeof INPUT_COLUMNS>;

/** A JSON column that is copied without being parsed. */
function jsonText(sql: string): Column<Json> {
  return { sql, read: (stored) => new Json(stored as string) };
}

function seedCounts(): Column<SeedCounts> {
  const { sql, read } = json<StoredCounts | null>('c.seed_counts');
  return {
    sql,
    read: (stored) => {
      const counts = read!(stored);
      return counts === null ? NO_SEEDS : toCounts(counts);
    },
  };
}

/** The columns of an expansion's copies of its campaign's inputs. Equal inputs have equal texts. */
export function copiedInputs(expansion: string): Readonly<Record<CopiedInput, string>> {
  return {
    features: textOf(`${expansion}.features`),
    filters: textOf(`${expansion}.filters`),
    seeds: sumOf(`${expansion}.seed_set`),
    negatives: sumOf(`${expansion}.negative_set`),
    negativeWeight: `${expansion}.negative_weight`,
    category: `${expansion}.category`,
    fourFifths: `${expansion}.four_fifths`,
    suppression: sumOf(`${expansion}.suppression_set`),
    commonSuppression: sumOf(`${expansion}.common_suppression_set`),
  };
}

/** Whether an expansion used the current inputs of the campaign `c` and the installation `i`; null without one. */
function isSame(expansion: string): Column<boolean | null> {
  const own = { ...copiedInputs('c'), commonSuppression: sumOf('i.suppression_set') };
  const copies = copiedInputs(expansion);
  const all = COPIED_INPUTS.map((input) => `${own[input]} IS NOT DISTINCT FROM ${copies[input]}`).join(' AND ');
  const sql = `CASE WHEN ${expansion}.number IS NOT NULL THEN ${all} END`;
  return { sql, read: (stored) => (stored === null ? null : Boolean(stored)) };
}

function textOf(column: string): string {
  return `CAST(${column} AS text)`;
}
