/** The rules of the row that says which versions a cluster serves. */
import { assert } from '../lib/errors.ts';

/** How and when a model began to be served. */
export interface ServedModelEntry {
  readonly version: string;
  /** Milliseconds since 1970; null for the model that the cluster started with. */
  readonly activatedAt: number | null;
  /** The check that was made before the model was served, as in the API; null if there was no check. */
  readonly check: unknown;
}

export interface ServedVersions {
  /** 1 for the first row, and increased by 1 at each change. */
  readonly epoch: number;
  /** The version of the population. */
  readonly population: string;
  /** Models in the order in which they were served; the last entry is the served model. */
  readonly models: readonly ServedModelEntry[];
}

/**
 * A switch to another model. A rollback returns to the model that was served before; its entry contains that model's
 * version.
 */
export type ModelSwitch = 'activation' | 'rollback';

export type ServedChange =
  /** The first row. */
  | { readonly kind: 'start'; readonly model: string; readonly population: string }
  | { readonly kind: ModelSwitch; readonly entry: ServedModelEntry }
  | { readonly kind: 'population'; readonly version: string };

/** Maximum number of served models in the history, which limits how far a rollback can go back. */
export const MAXIMUM_HISTORY = 20;

/**
 * The row after a change; null if the change was decided on an earlier row (`expectedEpoch` is not the row's epoch; 0
 * stands for no row).
 */
export function changeServed(
  now: ServedVersions | null,
  expectedEpoch: number,
  change: ServedChange,
): ServedVersions | null {
  if ((now?.epoch ?? 0) !== expectedEpoch) return null;
  if (change.kind === 'start') {
    assert(now === null, 'the first row is made once');
    const first: ServedModelEntry = { version: change.model, activatedAt: null, check: null };
    return { epoch: 1, population: change.population, models: [first] };
  }
  assert(now !== null, 'a cluster serves versions before they are changed');
  const epoch = now.epoch + 1;
  if (change.kind === 'population') return { ...now, epoch, population: change.version };
  return { ...now, epoch, models: historyAfter(now.models, change.kind, change.entry) };
}

/** The version of the served model. */
export function servedModelOf({ models }: ServedVersions): string {
  return models.at(-1)!.version;
}

/** The history after a switch. The last entry is the served model. */
export function historyAfter<Entry extends { readonly version: string }>(
  models: readonly Entry[],
  how: ModelSwitch,
  entry: Entry,
): Entry[] {
  if (how === 'activation') return [...models, entry].slice(-MAXIMUM_HISTORY);
  assert(models.at(-2)?.version === entry.version, 'a rollback returns to the model before the served model');
  return [...models.slice(0, -2), entry];
}
