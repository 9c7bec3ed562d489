/** Compares a new campaign's features with the model's: checks names and kinds, counts values. */
import type { CampaignFeatures } from '../../domain/features.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import type { CampaignFeature } from '../../service/ports/served-model.ts';

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
      pointer: pointerTo(name),
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
    const message = value === undefined ? null : faultOf(feature, value);
    if (message !== null) details.push({ pointer: pointerTo(feature.name), value, message });
  }
  if (details.length > 0) throw new AppError('invalid_request', 'a campaign feature has the wrong kind', { details });
}

/** What is wrong with a value of a feature, null where nothing is. */
function faultOf({ kind, size }: CampaignFeature, value: CampaignFeatures[string]): string | null {
  const items: readonly (string | number)[] = [value].flat();
  const areNumbers = items.every((item) => typeof item === 'number');
  switch (kind) {
    case 'single':
      return typeof value === 'string' ? null : 'a single string is expected';
    case 'multi':
      return Array.isArray(value) && (items.length === 0 || !areNumbers) ? null : 'a list of strings is expected';
    case 'number':
      return typeof value === 'number' ? null : 'a number is expected';
    case 'vector':
      return Array.isArray(value) && areNumbers && items.length === size
        ? null
        : `a list of ${size} numbers is expected`;
  }
}

function pointerTo(name: string): string {
  return `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
