/** Describes changes that another user made to a campaign, before the user's own change overwrites them. */
import type { Campaign } from '../../api/types.ts';
import { formatCount } from '../../ui/format.ts';

/** Returns a sentence for each difference in the fields that an update can contain. */
export function changesBetween(before: Campaign, after: Campaign): readonly string[] {
  const changes: string[] = [];
  if (before.name !== after.name) changes.push(`The name is now “${after.name}”; it was “${before.name}”.`);
  const [old, now] = [wantedSize(before), wantedSize(after)];
  if (old !== now) changes.push(`The size is now ${now}; it was ${old}.`);
  for (const [key, what] of OTHERS)
    if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) changes.push(`${what} changed.`);
  return changes;
}

const OTHERS = [
  ['labels', 'The labels'],
  ['external_id', 'The external ID'],
  ['features', 'The campaign details'],
  ['filters', 'The filters'],
  ['holdout_percent', 'The hold-out'],
  ['cuts', 'The cuts'],
  ['negative_weight', 'The weight of negatives'],
  ['category', 'The special category'],
  ['four_fifths', 'The four-fifths rule'],
  ['refresh', 'The refresh policy'],
] as const;

function wantedSize({ audience, size }: Campaign): string {
  if ('percent' in audience) return `${audience.percent}% (${formatCount(size ?? 0)} people)`;
  return `${formatCount(size ?? audience.size)} people`;
}
