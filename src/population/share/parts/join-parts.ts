/**
 * Joins the parts of an import to the version that one import of all their files, in the order of the parts, would
 * give: users and tokens get the numbers of their first occurrence in this order, and rows are cut into segments anew.
 */
import type { BlobFiles } from '../../../domain/ports/blob-files.ts';
import { AppError } from '../../../lib/errors.ts';
import { IMPORT_LIMITS } from '../../import/import-limits.ts';
import { decodeSegment, isTokenColumn, type Rows } from '../../read/segments.ts';
import { selectRows } from '../../read/select-rows.ts';
import { featuresOf, type ManifestSegment } from '../../versions/manifest.ts';
import { publishVersion } from '../../versions/publish-version.ts';
import type { ImportResult, VersionWriter } from '../../versions/version-writer.ts';
import type { PublishedPopulation } from '../import-destination.ts';
import { fileName, PARTS_PREFIX } from '../index-schema.ts';
import { readIndex } from '../published-index.ts';
import { announce, deleteUnused, retract } from '../put-version.ts';
import { fetchPart } from '../transfers.ts';
import { getPart, type ImportPart, PARTS_ANNOUNCED } from './import-part.ts';
import { addTexts, LEFT_OUT } from './part-tables.ts';

export interface JoinOptions {
  readonly files: BlobFiles;
  /** The destination of the version, which has the same storage. */
  readonly out: PublishedPopulation;
  /** Number of parts. */
  readonly parts: number;
  /** Whether erased users are readmitted as new users. The parts must have been imported likewise. */
  readonly readmitErased?: boolean;
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  readonly onProgress?: (progress: { readonly rows: number; readonly total: number }) => void;
}

/**
 * Publishes the joined version, and removes the parts. Users who were erased since their part was imported are left
 * out. An interrupted call can be repeated. @throws AppError invalid_argument (a part is missing, or parts have
 * different features), invalid_data (a user is in two parts), and the errors of the destination
 */
export async function joinParts(options: JoinOptions): Promise<ImportResult> {
  const { files, out, parts: count, readmitErased = false, now } = options;
  await announce(files, PARTS_ANNOUNCED, [], now);
  const parts: ImportPart[] = [];
  for (let part = 1; part <= count; part++) parts.push(await getPart(files, { part, parts: count }));
  const [first] = parts as [ImportPart];
  requireOneSchema(parts);
  const features = featuresOf(first.manifest);
  const sensitive = new Set(features.filter((feature) => feature.sensitive).map(({ name }) => name));
  const target = { out, features, sensitive, readmitErased };
  const result = await publishVersion(target, 'the import', async (writer) => {
    try {
      for (const [i, part] of parts.entries()) await addPart(writer, part, i + 1, options, parts);
    } finally {
      await writer.settle();
    }
  });
  await removeParts(files, parts);
  return result;
}

function requireOneSchema(parts: readonly ImportPart[]): void {
  const schemaOf = ({ manifest }: ImportPart) => JSON.stringify(manifest.features);
  const other = parts.findIndex((part) => schemaOf(part) !== schemaOf(parts[0]!));
  if (other > 0)
    throw new AppError(
      'invalid_argument',
      `parts 1 and ${other + 1} have different features: import one of them again`,
    );
}

async function addPart(
  writer: VersionWriter,
  part: ImportPart,
  number: number,
  { files, onProgress }: JoinOptions,
  parts: readonly ImportPart[],
): Promise<void> {
  const { manifest, tables } = part;
  const features = featuresOf(manifest);
  const erased = writer.erased.isNeeded ? writer.erased : null;
  const { maximumUsers, maximumTokensPerDictionary } = IMPORT_LIMITS;
  const users = await addTexts(files, tables, manifest.directory, writer.directory, { maximum: maximumUsers, erased });
  const codes = new Map<string, Int32Array>();
  for (const recorded of manifest.dictionaries) {
    const into = writer.dictionaries[features.findIndex(({ name }) => name === recorded.feature)]!;
    const limits = { maximum: maximumTokensPerDictionary, erased: null };
    codes.set(recorded.feature, await addTexts(files, tables, recorded, into, limits));
  }
  const total = parts.reduce((sum, one) => sum + one.manifest.rows, 0);
  let next = fetchSegment(files, manifest.segments[0]!);
  for (const [i, segment] of manifest.segments.entries()) {
    const bytes = await next;
    const following = manifest.segments[i + 1];
    if (following !== undefined) {
      next = fetchSegment(files, following);
      next.catch(() => {}); // awaited in the next round
    }
    const decoded = decodeSegment(bytes, features, fileName(segment.sha256));
    const rows = selectRows(decoded, features, (row) => users[decoded.userNumbers[row]!] !== LEFT_OUT);
    writer.erased.count(decoded.count - rows.count);
    renumber(rows, users, codes);
    const refused = writer.addRows(rows);
    if (refused !== null) {
      const value = writer.directory.text(rows.userNumbers[refused.at]!);
      throw new AppError('invalid_data', `the user "${value}" of part ${number} is also in an earlier part`);
    }
    await writer.writeAhead();
    onProgress?.({ rows: writer.rows, total });
  }
}

/** The bytes of a segment, in memory of their own. */
async function fetchSegment(files: BlobFiles, { size, sha256 }: ManifestSegment): Promise<Uint8Array> {
  return new Uint8Array(await fetchPart(files, { start: 0, size, sha256 }));
}

/** Replaces the numbers of a part by those of the version. */
function renumber({ userNumbers, columns }: Rows, users: Int32Array, codes: ReadonlyMap<string, Int32Array>): void {
  for (let i = 0; i < userNumbers.length; i++) userNumbers[i] = users[userNumbers[i]!]!;
  for (const [name, column] of columns) {
    if (!isTokenColumn(column)) continue;
    const own = codes.get(name)!;
    // code 0 is a missing value; the others are positions in the dictionary, from 1
    for (let i = 0; i < column.codes.length; i++)
      if (column.codes[i]! > 0) column.codes[i] = own[column.codes[i]! - 1]! + 1;
  }
}

/** Removes joined parts. Their segments are removed by the next sweep, their ids and tokens now. */
async function removeParts(files: BlobFiles, parts: readonly ImportPart[]): Promise<void> {
  for (const { name } of await files.list(PARTS_PREFIX)) await files.deleteFile(name);
  await retract(files, new Set([PARTS_ANNOUNCED]));
  const tables = parts.flatMap((part) => Object.values(part.tables).flat());
  await deleteUnused(files, new Set(tables.map(({ sha256 }) => fileName(sha256))), (await readIndex(files)).index);
}
