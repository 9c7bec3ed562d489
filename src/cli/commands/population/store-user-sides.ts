/** Stores the user sides of an imported version, so that the first expansions with the model need not compute them. */
import { availableParallelism } from 'node:os';
import { storeUserSides } from '../../../engine/engine-start.ts';
import { ENGINE_LIMITS } from '../../../engine/limits.ts';
import type { Output } from '../../../lib/output.ts';

export async function storeImportedUserSides(
  imported: { readonly model: string; readonly population: string; readonly version: string },
  output: Output,
): Promise<void> {
  const { model, population, version: populationVersion } = imported;
  const config = { model, population, populationVersion, device: 'auto', threads: availableParallelism() };
  const isStored = await storeUserSides(config, ENGINE_LIMITS.userSideBytes.value, (done, all) =>
    output.progress(`user sides: ${done} of ${all} segments`),
  );
  if (isStored) output.result('  the user sides for the model are stored');
}
