/** Publishes versions of a population folder for all hosts, and overwrites ids of erased users in published tables. */
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import { asWriter } from '../versions/lock.ts';
import { readManifest } from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { findNewestVersion } from '../versions/version-order.ts';
import { draftTables } from './draft-tables.ts';
import { exchangeErasures, requireOneKey } from './exchange-erasures.ts';
import { type IndexAt, replaceIndex } from './published-index.ts';
import {
  ATTEMPTS,
  busy,
  deleteDropped,
  type PublishOptions,
  type PublishReport,
  putParts,
  putVersion,
  withTables,
} from './put-version.ts';
import { type TableSource, tablesOfFolder } from './table-source.ts';

/**
 * Publishes a version of a folder (by default the newest), with all erasures of the folder. Files that were stored
 * before are not stored again, so an interrupted call can be repeated. Publishing a published version again changes
 * nothing, except that the folder and the published population get each other's erasures. While the call runs, no
 * import runs in the folder, but users may be erased. @throws AppError invalid_population (damaged, or the folder does
 * not continue the published population), unavailable, storage_failed
 */
export async function publishPopulation(
  folder: string,
  files: BlobFiles,
  version: string | null,
  options: PublishOptions,
): Promise<PublishReport> {
  return await asWriter(folder, async () => {
    const wanted = version ?? findNewestVersion(folder);
    if (wanted === null) throw new AppError('invalid_population', `${folder} is not a population: it has no version`);
    // shared before anybody is erased: keys that the folder and a node make apart would differ for ever
    await requireOneKey(folder, files);
    const manifest = readManifest(folder, wanted);
    verifyVersion(folder, manifest, 'everything');
    let tables: TableSource | null = null;
    const source = {
      manifest,
      follow: async () => {
        const at = await exchangeErasures(folder, files);
        redactErased(folder, new Erasures(folder));
        tables = null;
        return at;
      },
      get tables() {
        tables ??= tablesOfFolder(folder);
        return tables;
      },
      erasures: [],
      announced: new Set<string>(),
      store: ({ path }: { readonly path: string }, name: string) =>
        files.putFile(name, join(folder, manifest.version, path)),
    };
    return await putVersion(source, files, options);
  });
}

/**
 * Overwrites the ids of erased users in the published tables, using a folder that has these tables. Returns the number
 * of parts that were replaced. The caller must be the folder's writer, and `follow` brings the folder up to date with
 * the index. @throws AppError invalid_population, unavailable, storage_failed
 */
export async function redactPublished(
  folder: string,
  files: BlobFiles,
  follow: () => Promise<IndexAt>,
): Promise<number> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const at = await follow();
    if (at.index.versions.length === 0) return 0;
    redactErased(folder, new Erasures(folder));
    const tables = tablesOfFolder(folder);
    const draft = await draftTables(tables, files, at.index, at.index.versions, null);
    if (draft.replaced.length === 0 && at.index.dropped.length === 0) return 0;
    await putParts(tables, files, draft, new Set());
    const next = await replaceIndex(files, at, withTables(at.index, draft));
    if (next === null) continue;
    await deleteDropped(files, next);
    return draft.replaced.length;
  }
  throw busy();
}
