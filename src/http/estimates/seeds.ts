/** Reads the seeds of an estimate, some of whom may have features instead of being in the population. */
import { setImmediate } from 'node:timers/promises';
import type { EstimatedSeed } from '../../domain/estimates.ts';
import { RowNames, refuseMoreRows } from '../../domain/user-sets.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import { jsonPointer } from '../../lib/json-pointer.ts';
import type { CheckedValues } from '../../service/ports/populations.ts';
import type { ServerConfig } from '../config.ts';
import { type EstimateSeed, type SeedItem, splitSeeds } from '../user-sets/seed-weights.ts';

/** Number of seeds with features that are checked before other requests are handled. */
const SLICE_ROWS = 256;

interface EstimateSeeds extends ReturnType<typeof splitSeeds> {
  /** Features as JSON by user id. */
  readonly features: ReadonlyMap<string, string>;
}

/**
 * Returns the user ids, weights and features, as an upload of the same seeds would store them. If an id is repeated,
 * its last weight and features count.
 * @throws AppError invalid_request (with a pointer to the features), too_many_seeds
 */
export async function readSeeds(
  sent: readonly EstimateSeed[],
  check: (values: unknown) => CheckedValues,
  { maximumSeedRows, maximumErrorDetails }: Pick<ServerConfig, 'maximumSeedRows' | 'maximumErrorDetails'>,
): Promise<EstimateSeeds> {
  const names = new RowNames();
  const features = new Map<string, string>();
  const named: SeedItem[] = [];
  const faults: ErrorDetail[] = [];
  let rows = 0;
  for (const [i, item] of sent.entries()) {
    const seed = typeof item === 'string' ? { user_id: item } : item;
    if (seed.features === undefined || seed.features === null) {
      // the schema allows only seeds with features to omit the id
      named.push(item as SeedItem);
      features.delete(seed.user_id!);
      continue;
    }
    refuseMoreRows(++rows, maximumSeedRows);
    if (rows % SLICE_ROWS === 0) await setImmediate();
    const checked = check(seed.features);
    if ('fault' in checked) {
      faults.push({ pointer: jsonPointer('seeds', i, 'features'), message: checked.fault });
      if (faults.length === maximumErrorDetails) break;
      continue;
    }
    const userId = seed.user_id ?? names.name(checked.json);
    named.push({ ...seed, user_id: userId });
    features.set(userId, checked.json);
  }
  const [first] = faults;
  if (first)
    throw new AppError('invalid_request', `the body is not valid: ${first.pointer}: ${first.message}`, {
      details: faults,
    });
  return { ...splitSeeds(named), features };
}

/** The seeds with features who are neither in the population (`absent`) nor on one of the lists `others`. */
export function estimatedSeeds(
  absent: readonly string[],
  { features, seedWeights }: EstimateSeeds,
  ...others: readonly (readonly string[])[]
): EstimatedSeed[] {
  const isOther = new Set(others.flat());
  return absent.flatMap((userId) => {
    const own = features.get(userId);
    if (own === undefined || isOther.has(userId)) return [];
    return [{ userId, weight: seedWeights.get(userId) ?? 1, features: own }];
  });
}
