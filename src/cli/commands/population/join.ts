/** `metaheac population join`: joins the parts of an import to a version. */
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { joinParts } from '../../../population/share.ts';
import type { FlagValues } from '../../settings.ts';
import { describeVersion, reportStored, storageOf } from './destination.ts';

export interface PopulationJoinOptions {
  parts: number;
  readmitErased?: boolean;
}

export async function populationJoinCommand(
  { parts, readmitErased = false, ...values }: PopulationJoinOptions,
  output: Output,
): Promise<void> {
  const { files, published } = await storageOf(null, values as FlagValues, output);
  const out = published();
  const { version, users, newUsers, erased } = await joinParts({
    ...{ files, out, parts, readmitErased, now: systemClock.now },
    onProgress: ({ rows, total }) => output.progress(`${rows} of ${total} rows`),
  });
  output.result(`${describeVersion(version, out)}: ${users} users, ${newUsers} of them new`);
  if (erased > 0) output.result(`  ${erased} rows of users who were erased since the import`);
  reportStored(out, output);
}
