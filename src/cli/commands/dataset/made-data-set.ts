/** Describes the data set that a command made. */
import type { MadeDataSet } from '../../../dataset/converters/made.ts';

/** Describes a data set in several lines: first its sizes, then which campaigns were chosen and which were left out. */
export function describeMade(out: string, { users, trainCampaigns, testCampaigns, rows, notes }: MadeDataSet): string {
  const { small, large, none } = testCampaigns;
  const groups = small + large > 0 ? ` (${small} small, ${large} large)` : '';
  const campaigns = `${trainCampaigns} train campaigns, ${small + large + none} test campaigns${groups}`;
  const total = rows.train + rows.seed + rows.eval;
  return [
    `${out}: ${users} users, ${campaigns}, ${total} interactions`,
    `  interactions: ${rows.train} train, ${rows.seed} seed, ${rows.eval} eval`,
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}
