/** Temporary folders for the tests of one file, and the blobs in them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Blobs } from '../../src/campaigns/ports/blobs.ts';
import { FileBlobs } from '../../src/sqlite/file-blobs.ts';

/** Folders of blobs by absolute path: tests look into their files, and spoil them. */
export const blobs: Blobs = new FileBlobs('/');

/** A folder that is removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-audience-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
