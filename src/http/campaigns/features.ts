/** Compares a new campaign's features with the model's features: checks names and kinds, and counts values. */
import type { CampaignFeatures } from '../../domain/features.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import { KINDS } from '../../lib/feature-kinds.ts';
import { jsonPointer } from '../../lib/json-pointer.ts';
import type { CampaignFeature } from '../../service/ports/served.ts';

/**
 * Counts values that the model reads as token 0: unknown values, and absent or empty features.
 * @throws AppError unknown_feature (unknown name), invalid_request (value of the wrong kind)
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
    const values: readonly (string | number)[] = [
      Object.hasOwn(given, feature.name) ? (given[feature.name] ?? []) : [],
    ].flat();
    const present = values.filter((value) => value !== '');
    if (present.length === 0) missing += 1;
    unknown += present.filter((value) => typeof value === 'string' && !feature.isKnown(value)).length;
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
      pointer: jsonPointer('features', name),
      value: name,
      message: 'the model has no such feature',
    })),
    facts: { known_features: known },
  });
}

function refuseWrongKinds(expected: readonly CampaignFeature[], given: CampaignFeatures): void {
  const details: ErrorDetail[] = [];
  for (const feature of expected) {
    const value = Object.hasOwn(given, feature.name) ? given[feature.name] : undefined;
    const message = value === undefined ? null : KINDS[feature.kind].refuse(value, feature.size);
    if (message !== null) details.push({ pointer: jsonPointer('features', feature.name), value, message });
  }
  if (details.length > 0) throw new AppError('invalid_request', 'a campaign feature has the wrong kind', { details });
}
