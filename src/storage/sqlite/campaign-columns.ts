/** What a campaign is read with: its own columns, its latest expansion's and its active audience's. */
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { AudienceRequest, Excluded, Labels, Reason, SeedCounts } from '../../domain/types.ts';
import { flag, json, plain, selectList, type Value } from './columns.ts';
import { decodeCounts } from './set-rows.ts';

/** Inputs of which an expansion has a copy under the same name. */
const COPIED = ['seed_set', 'features', 'filters', 'suppression_set'];

/** Whether the campaign `c` of the installation `i` has other inputs than an expansion has. */
export function differsFrom(expansion: string): string {
  const same = COPIED.map((column) => `c.${column} IS ${expansion}.${column}`).join(' AND ');
  return `(${expansion}.number IS NULL AND c.seed_set IS NOT NULL
    OR ${expansion}.number IS NOT NULL
      AND NOT (${same} AND i.suppression_set IS ${expansion}.common_suppression_set))`;
}

/** A campaign as it is read. A column of its own is here, and in `columnsOf` and `toCampaign` of campaign-rows.ts. */
export const COLUMNS = {
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
  needsExpansion: flag(differsFrom('x')),
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

export const SELECT_CAMPAIGN = `
  SELECT ${selectList(COLUMNS)}
  FROM campaigns c
  JOIN installation i
  LEFT JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  LEFT JOIN expansions x ON x.number =
    CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE expansion = e.number) THEN e.number
      ELSE coalesce(a.expansion, e.number) END`;

const NO_SEEDS: SeedCounts = { received: 0, known: 0, unknown: 0, duplicate: 0, unknownExamples: [] };

function readCounts(stored: Value): SeedCounts {
  return stored === null ? NO_SEEDS : decodeCounts(stored as string);
}
