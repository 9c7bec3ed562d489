/** Columns of expansions and their jobs. */

import type { Cause } from '../../domain/changes.ts';
import type { ExpansionChange, RunningExpansion } from '../../domain/expansions.ts';
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import type { ComputedWith } from '../../domain/run-facts.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { ConsentBases, Excluded, Expansion, ExpansionSets, Pins, Reason } from '../../domain/types.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import { type Column, json, plain, type RowOf, readRow } from './columns.ts';
import { toJson } from './json.ts';

/** The columns of an expansion. Add a new column here, in `toExpansion`, and where it is written. */
export const EXPANSION_COLUMNS = {
  number: plain<number>('e.number'),
  id: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  cause: plain<Cause>('e.cause'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  reason: json<Reason | null>('e.reason'),
  features: json<Expansion['features']>('e.features'),
  filters: json<Expansion['filters']>('e.filters'),
  received: plain<number>('e.seeds_received'),
  known: plain<number>('e.seeds_known'),
  unknown: plain<number>('e.seeds_unknown'),
  outside: plain<number>('e.seeds_outside'),
  duplicate: plain<number>('e.seeds_duplicate'),
  unknownExamples: json<string[]>('e.unknown_examples'),
  positives: plain<number>('e.positives'),
  dismissed: plain<number>('e.dismissed'),
  negatives: plain<number>('e.negatives'),
  negativeWeight: plain<number>('e.negative_weight'),
  category: plain<SpecialCategory | null>('e.category'),
  fourFifths: plain<string | null>('e.four_fifths'),
  excluded: json<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: json<Record<string, number>>('e.timings'),
  computedWith: json<ComputedWith | null>('e.computed_with'),
  quality: json<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('(SELECT min(version) FROM audiences a WHERE a.expansion = e.number)'),
  createdAt: plain<number>('e.created_at'),
  startedAt: plain<number | null>('e.started_at'),
  updatedAt: plain<number>('e.updated_at'),
};

export function toExpansion(row: RowOf<typeof EXPANSION_COLUMNS>, remainingMs: number | null): Expansion {
  const { received, known, unknown, outside, duplicate, unknownExamples } = row;
  return {
    id: row.id,
    campaignId: row.campaignId,
    cause: row.cause,
    state: row.state,
    progress: row.progress,
    reason: row.reason,
    features: row.features,
    filters: row.filters,
    seeds: { received, known, unknown, ...(outside > 0 && { outside }), duplicate, unknownExamples },
    feedback: { positives: row.positives, dismissed: row.dismissed },
    negatives: row.negatives,
    negativeWeight: row.negativeWeight,
    category: row.category,
    fourFifths: row.fourFifths,
    excluded: row.excluded,
    modelVersion: row.modelVersion,
    populationVersion: row.populationVersion,
    timings: row.timings,
    computedWith: row.computedWith,
    quality: row.quality,
    audienceVersion: row.audienceVersion,
    remainingMs,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    updatedAt: row.updatedAt,
  };
}

/** Columns for the fields that a decision has set. */
export function expansionWrites(change: ExpansionChange) {
  return {
    state: change.state,
    reason: toJson(change.reason),
    progress: change.progress,
    started_at: change.startedAt,
    updated_at: change.updatedAt,
    model_version: change.modelVersion,
    population_version: change.populationVersion,
    excluded: toJson(change.excluded),
    timings: toJson(change.timings),
    computed_with: toJson(change.computedWith),
    quality: toJson(change.quality),
    receipt: toJson(change.receipt),
  };
}

/** The user sets of an expansion. */
export const SETS = {
  seeds: plain<string>('seed_set'),
  positives: plain<string | null>('positive_set'),
  dismissed: plain<string | null>('dismissed_set'),
  negatives: plain<string | null>('negative_set'),
  suppression: plain<string | null>('suppression_set'),
  commonSuppression: plain<string | null>('common_suppression_set'),
} satisfies Record<keyof ExpansionSets, Column<unknown>>;

/** Columns of an expansion that has not ended, and of its job. */
export const RUNNING = {
  number: plain<number>('e.number'),
  job: plain<number>('j.number'),
  jobId: plain<string>('j.id'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  startedAt: plain<number | null>('e.started_at'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  attempt: plain<number>('j.attempt'),
  deaths: plain<number>('j.deaths'),
  token: plain<number>('j.token'),
  leaseUntil: plain<number | null>('j.lease_until'),
};

/** A running expansion with the numbers of its rows. */
export type RunningRow = RunningExpansion & { readonly number: number; readonly job: number; readonly jobId: string };

export function toRunning(stored: unknown): RunningRow {
  const { modelVersion, populationVersion, ...row } = readRow(RUNNING, stored);
  return { ...row, pins: pinsOf(modelVersion, populationVersion) };
}

function pinsOf(modelVersion: string | null, populationVersion: string | null): Pins | null {
  return modelVersion === null || populationVersion === null ? null : { modelVersion, populationVersion };
}

/** The job columns that the owner receives, without sets and pins. */
export const JOB_COLUMNS = {
  id: plain<string>('j.id'),
  expansionId: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  attempt: plain<number>('j.attempt'),
  deaths: plain<number>('j.deaths'),
  owner: plain<string>('j.owner'),
  token: plain<number>('j.token'),
  externalId: plain<string | null>('c.external_id'),
  features: json<CampaignFeatures>('e.features'),
  filters: json<Filters>('e.filters'),
  negativeWeight: plain<number>('e.negative_weight'),
  category: plain<SpecialCategory | null>('e.category'),
  fourFifths: plain<string | null>('e.four_fifths'),
  consentBases: json<ConsentBases>('e.consent_bases'),
  queuedAt: plain<number>('j.queued_at'),
  traceparent: plain<string | null>('j.traceparent'),
};
