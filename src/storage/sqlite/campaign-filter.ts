/** What a list of campaigns leaves out: conditions on a campaign `c` and its latest expansion `e`. */
import type { CampaignQuery } from '../../domain/types.ts';
import { toJson } from './columns.ts';

/** Whether a campaign has all of some labels. */
const HAS_LABELS = `NOT EXISTS (
  SELECT 1 FROM json_each(@labels) needed WHERE NOT EXISTS (
    SELECT 1 FROM json_each(CASE WHEN json_valid(c.labels) THEN c.labels ELSE '{}' END) own
    WHERE own.key = needed.key AND own.value = needed.value))`;

/** LIKE would take `%` and `_` for more than they are. */
const CONTAINS_TEXT = `(instr(lower(c.name), lower(@search)) > 0
  OR instr(lower(coalesce(c.external_id, '')), lower(@search)) > 0)`;

/** The conditions of a query, each after AND; their values are `filterValues`. */
export function filterOf({ state, externalId, labels, search }: CampaignQuery): string {
  return [
    state === undefined ? '' : 'AND e.state = @state',
    externalId === undefined ? '' : 'AND c.external_id = @externalId',
    labels === undefined ? '' : `AND ${HAS_LABELS}`,
    search === undefined ? '' : `AND ${CONTAINS_TEXT}`,
  ].join(' ');
}

export function filterValues({ state, externalId, labels, search }: CampaignQuery) {
  return {
    ...{ state: state ?? null, externalId: externalId ?? null, search: search ?? null },
    labels: toJson(labels) ?? null,
  };
}
