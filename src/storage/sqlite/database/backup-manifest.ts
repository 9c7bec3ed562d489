/** `backup.json`: the files of a backup with their sizes and sha256, and the sha256 of that list. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { hashFile } from '../../../lib/files/slices.ts';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';

export const BACKUP_FILE = 'backup.json';

const CONTRACT = 1;

const SHA256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  contract: z.literal(CONTRACT),
  created_at: z.iso.datetime(),
  /** Files that rows refer to but that were missing from the data folder. */
  lost: z.array(z.string()),
  files: z.array(
    z.strictObject({
      path: z.string().refine(leadsInside, 'must be a relative path without ..'),
      size: z.int().min(0),
      sha256: SHA256,
    }),
  ),
  /** The sha256 of all other fields, as canonical JSON. */
  sha256: SHA256,
});

type BackupFiles = z.infer<typeof manifestSchema>['files'];
export type BackedUpFile = BackupFiles[number];

interface Backup {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly files: BackupFiles;
  readonly lost: readonly string[];
}

/** Every file of a folder, by path. */
export function describeFiles(folder: string): BackupFiles {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => ({
      path: path.slice(folder.length + 1),
      size: statSync(path).size,
      sha256: hashFile(path),
    }));
}

export function encodeBackup({ createdAt, files, lost }: Backup): Uint8Array {
  const content = { contract: CONTRACT, created_at: new Date(createdAt).toISOString(), lost: [...lost], files };
  return Buffer.from(`${JSON.stringify({ ...content, sha256: sumOf(content) }, null, 1)}\n`);
}

/**
 * Reads the list of a backup. @throws AppError invalid_argument if the folder is not a backup, or if the list was
 * altered
 */
export function readBackup(folder: string): Backup {
  const path = join(folder, BACKUP_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new AppError('invalid_argument', `${folder} is not a backup: ${messageOf(error)}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new AppError('invalid_argument', `${path}#/${issue.path.join('/')}: ${issue.message}`);
  }
  const { sha256, ...content } = parsed.data;
  if (sha256 !== sumOf(content))
    throw new AppError('invalid_argument', `${path} is damaged: the list of files was altered`);
  return { createdAt: Date.parse(content.created_at), files: content.files, lost: content.lost };
}

function leadsInside(path: string): boolean {
  return path.split('/').every((part) => part !== '' && !part.startsWith('.') && !/[\\\0]/.test(part));
}

function sumOf(content: object): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}
