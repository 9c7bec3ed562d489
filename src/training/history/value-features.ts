/** Derives the features of campaigns from their values. */
import type { Feature } from '../../dataset/features.ts';
import type { CampaignValues } from '../../online/encode.ts';

type Value = CampaignValues[string];

/** Maximum number of tokens of a list that a model reads. */
const MAXIMUM_LENGTH = 256;

/**
 * Returns a feature for each name, in order of first use: a number, a vector if all values have one size, a list of
 * strings if any value is a list, otherwise one string. A name with values of several kinds is not a feature.
 */
export function featuresOfValues(campaigns: readonly CampaignValues[]): Feature[] {
  const values = new Map<string, Value[]>();
  for (const features of campaigns)
    for (const [name, value] of Object.entries(features)) values.set(name, [...(values.get(name) ?? []), value]);
  return [...values].flatMap(([name, all]) => featureOf(name, all) ?? []);
}

function featureOf(name: string, values: readonly Value[]): Feature | null {
  if (values.every((value) => typeof value === 'number')) return { name, kind: 'number' };
  if (values.every((value) => typeof value === 'string')) return { name, kind: 'single' };
  const lists = values.map((value) => (typeof value === 'string' ? [value] : value));
  if (lists.some((list) => typeof list === 'number')) return null;
  const sizes = (lists as readonly (readonly unknown[])[]).map((list) => list.length);
  const longest = Math.max(...sizes);
  const items = (lists as readonly (readonly unknown[])[]).flat();
  if (items.every((item) => typeof item === 'string'))
    return { name, kind: 'multi', maxLength: Math.min(Math.max(longest, 1), MAXIMUM_LENGTH) };
  const isVector = items.every((item) => typeof item === 'number') && sizes.every((size) => size === longest);
  return isVector ? { name, kind: 'vector', size: longest } : null;
}
