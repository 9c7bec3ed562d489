/** What the routes of populations need: the versions of the folder, and which of them is served. */
import type { Population } from '../../population/population.ts';
import type { VersionSummary } from '../../population/versions.ts';

export interface Populations {
  /** The version that is served now: it stays that version, where the dependency `population` follows a switch. */
  current(): Population;
  /** When the files of the served version were written, in ms since 1970. */
  importedAt(): number;
  /** Published versions, the newest first. @throws AppError invalid_population */
  list(): readonly VersionSummary[];
  /**
   * Serves a version from now on, and after a restart; requests go on meanwhile. Nothing changes if it throws.
   * @throws AppError population_not_found, population_rejected, unavailable (an import runs), storage_failed
   */
  activate(version: string): Promise<void>;
}
