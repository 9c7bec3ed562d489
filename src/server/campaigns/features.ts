/** The features of a new campaign against those of the model: names and kinds are checked, values are counted. */
import type { CampaignFeatures } from '../../campaigns/types.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import type { CampaignFeature } from './port.ts';

/**
 * Counts what the model will read as token 0: values that it does not know, and features that are absent or empty.
 * A name that the model does not have is `unknown_feature`, a value of the wrong kind `invalid_request`.
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
  throw new AppError('unknown_feature', `the campaign features of the model are: ${list}`, {
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
    const message = kind === 'multi' ? 'a list of text is expected' : 'one text is expected';
    details.push({ pointer: pointerTo(name), value, message });
  }
  if (details.length > 0) throw new AppError('invalid_request', 'a campaign feature is of the wrong kind', { details });
}

function pointerTo(name: string): string {
  return `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
