/** A thread that reads a whole population version, so that the service's event loop is not blocked. */
import { hostThread } from '../../lib/threads/thread-host.ts';
import { diffPopulations, type PopulationDiff } from './diff.ts';
import { openPopulation } from './population.ts';
import { countUses, type FeatureUse } from './review.ts';

export interface ReviewTask {
  readonly path: string;
  readonly version: string;
  /** Earlier version to compare with; null to count how often each token is used instead. */
  readonly since: string | null;
}

export type Reviewed = { readonly uses: FeatureUse[] } | { readonly diff: PopulationDiff };

await hostThread(() => ({
  run: ({ path, version, since }: ReviewTask): Reviewed => {
    const population = openPopulation(path, { version });
    if (since === null) return { uses: countUses(population) };
    return { diff: diffPopulations(openPopulation(path, { version: since }), population) };
  },
  close() {},
}));
