/**
 * Stores the user sides of an imported version, so that the first expansions with the model need not compute these user
 * sides.
 */
import { availableParallelism } from 'node:os';
import { storeUserSides } from '../../../engine/engine-start.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { settingsOf } from '../../settings.ts';

/**
 * An error here is reported only as a note, because the import has succeeded, and a service computes any user sides
 * that are not stored.
 */
export async function storeImportedUserSides(
  imported: { readonly model: string; readonly population: string; readonly version: string },
  output: Output,
): Promise<void> {
  const { model, population, version: populationVersion } = imported;
  const config = { model, population, populationVersion, device: 'auto', threads: availableParallelism() };
  try {
    const { userSideBytes } = settingsOf({}).values.limits;
    const made = await storeUserSides(config, userSideBytes, (done, all) =>
      output.progress(`user sides: ${done} of ${all} segments`),
    );
    if (made?.end === null) output.result('  the user sides for the model are stored');
    else if (made !== null) {
      const { stored, segments } = made;
      output.note(
        `metaheac: the user sides of only ${stored} of ${segments} segments are stored, because user_side_bytes is ` +
          `${userSideBytes}`,
      );
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    output.note(`metaheac: the user sides for the model are not stored: ${error.message}`);
  }
}
