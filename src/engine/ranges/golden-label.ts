/** Identifies the bits that an engine computes, so that only engines with the same bits score an expansion together. */
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { LoadedModel } from '../engine-models.ts';

/** The version of the inputs and parts of ranges. Releases with other versions do not score together. */
const CONTRACT = 1;

/**
 * Returns a label of the model, this release, the kind of device, and the scores of the model's golden batch on this
 * processor. Engines with the same label are expected to compute the same scores, bit for bit.
 */
export function goldenLabel({ version, pool }: Pick<LoadedModel, 'version' | 'pool'>): string {
  const [device] = pool.computedWith.device.split(':') as [string];
  return `${version} ${PACKAGE_VERSION}/${CONTRACT} ${device} ${pool.goldenSha256}`;
}
