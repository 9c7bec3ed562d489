/** Compares a new campaign's features with the model's: checks names and kinds, counts values. */
import type { CampaignFeatures } from '../../campaigns/types.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import type { CampaignFeature } from './port.ts';

/**
 * Counts what the model will read as token 0: values that it does not know, and features that are absent or empty. An
 * unknown name is `unknown_feature`, a value of the wrong kind `invalid_request`.
 */
export function countFeatures(
  expected: readonly CampaignFeature[],
  given: CampaignFeatures,
): { unknown: number; missing: number } {
  refuseUnknownNames(expected, given);
  refuseWrongKinds(expected, given);
  let unknown = 0;
  let missing = 0;
  for (const feature of expected) {
    const values = [Object.hasOwn(given, feature.name) ? (given[feature.name] ?? []) : []].flat();
    const present = values.filter((value) => value !== '');
    if (present.length === 0) missing += 1;
    unknown += present.filter((value) => !feature.isKnown(value)).length;
  }
  return { unknown, missing };
}

function refuseUnknownNames(expected: readonly CampaignFeature[], given: CampaignFeatures): void {
  const known = expected.map(({ name }) => name);
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const list = known.length === 0 ? 'none' : known.join(', ');
  throw new AppError('unknown_feature', `the model's campaign features are: ${list}`, {
    details: unknown.map((name) => ({
      pointer: pointerTo(name),
      value: name,
      message: 'the model has no such feature',
    })),
    facts: { known_features: known },
  });
}

function refuseWrongKinds(expected: readonly CampaignFeature[], given: CampaignFeatures): void {
  const details: ErrorDetail[] = [];
  for (const { name, kind } of expected) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || Array.isArray(value) === (kind === 'multi')) continue;
    const message = kind === 'multi' ? 'a list of strings is expected' : 'a single string is expected';
    details.push({ pointer: pointerTo(name), value, message });
  }
  if (details.length > 0) throw new AppError('invalid_request', 'a campaign feature has the wrong kind', { details });
}

function pointerTo(name: string): string {
  return `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
