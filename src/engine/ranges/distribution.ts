/** What an engine of a cluster needs to offer the ranges of an expansion to all engines. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { type RangeWork, unchangedFolder } from '../../domain/ports/ranges.ts';
import type { RangeRules } from '../../domain/ranges.ts';
import type { Logger } from '../../lib/logging.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { LoadedModel } from '../engine-models.ts';
import type { Signal } from './signal.ts';

export interface Distribution {
  readonly ranges: RangeWork;
  readonly blobs: Blobs;
  readonly rules: RangeRules;
  /** Number of segments of a range. */
  readonly rangeSegments: number;
  /** The label of the bits that this engine computes. */
  readonly golden: string;
  /** The folders of offers whose parts this engine will merge. */
  readonly own: Set<string>;
  /** Notified when ranges are offered, finished or doubled by this engine. */
  readonly signal: Signal;
  /** Removes the inputs and parts of expansions that have ended. Never rejects. */
  sweep(): Promise<void>;
}

type Given = Pick<Distribution, 'ranges' | 'blobs' | 'rules' | 'rangeSegments' | 'own' | 'signal'> & {
  readonly logger: Logger;
};

/** The distribution of expansions with a model. */
export async function distributionOf(given: Given, model: LoadedModel): Promise<Distribution> {
  return { ...given, golden: goldenLabel(model), sweep: () => sweep(given) };
}

/** Removes the blobs of stale offers, then their rows. Several engines may do this at a time. */
async function sweep({ ranges, blobs, logger }: Given): Promise<void> {
  try {
    for (const offer of await ranges.stale()) {
      await blobs.deleteUnused([...offer.parts, unchangedFolder(offer.folder), offer.folder]);
      await ranges.forget(offer);
    }
  } catch (error) {
    logger.warn({ err: error }, 'the inputs and parts of ended expansions could not be removed yet');
  }
}

/** The format version of the inputs and parts of ranges. Releases with different versions do not score together. */
const CONTRACT = 1;

/**
 * Returns a label of the model, the release, the kind of device, and the scores of the model's golden batch on this
 * processor. Engines with the same label should compute the same scores, bit for bit.
 */
export function goldenLabel({ version, pool }: Pick<LoadedModel, 'version' | 'pool'>): string {
  const [device] = pool.computedWith.device.split(':') as [string];
  return `${version} ${PACKAGE_VERSION}/${CONTRACT} ${device} ${pool.goldenSha256}`;
}
