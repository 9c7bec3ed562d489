/** What an engine of a cluster needs to offer the ranges of an expansion to all engines. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { type RangeWork, workFolder } from '../../domain/ports/ranges.ts';
import type { RangeRules } from '../../domain/ranges.ts';
import { mergedFolder } from '../../domain/ranking-name.ts';
import type { Job } from '../../domain/types.ts';
import type { Logger } from '../../lib/logging.ts';
import type { LoadedModel } from '../engine-models.ts';
import { goldenLabel } from './golden-label.ts';
import type { Signal } from './signal.ts';

export interface Distribution {
  readonly ranges: RangeWork;
  readonly blobs: Blobs;
  readonly rules: RangeRules;
  /** Number of segments of a range. */
  readonly rangeSegments: number;
  /** The label of the bits that this engine computes. */
  readonly golden: string;
  /** Notified when ranges are offered, finished or doubled by this engine. */
  readonly signal: Signal;
  /** Removes the blobs of an expansion that has just been published, except those of its ranking. Never rejects. */
  clear(job: Job): Promise<void>;
}

type Given = Pick<Distribution, 'ranges' | 'blobs' | 'rules' | 'rangeSegments' | 'signal'> & {
  readonly logger: Logger;
};

/** The distribution of expansions with a model. */
export async function distributionOf(given: Given, model: LoadedModel): Promise<Distribution> {
  return { ...given, golden: await goldenLabel(model), clear: (job) => clear(given, job) };
}

/** Removes the blobs of stale offers, of which no row is needed any more. Several engines may do this at a time. */
export async function removeStale({ ranges, blobs }: Pick<Given, 'ranges' | 'blobs'>): Promise<void> {
  for (const offer of await ranges.stale()) {
    for (const folder of [...offer.parts, offer.folder]) await blobs.delete(folder);
    await ranges.forget(offer);
  }
}

async function clear(given: Given, { campaignId, expansionId, token }: Job): Promise<void> {
  try {
    // owners that died may have left inputs that they had not offered yet, and rankings that they had not finished
    for (let earlier = 1; earlier < token; earlier++) {
      await given.blobs.delete(workFolder(expansionId, earlier));
      await given.blobs.delete(mergedFolder(campaignId, expansionId, earlier));
    }
    await removeStale(given);
  } catch (error) {
    given.logger.warn({ err: error, expansion: expansionId }, 'blobs of a finished expansion could not be removed yet');
  }
}
