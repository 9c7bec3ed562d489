/** Temporary folders for the tests of one file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that is removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-audience-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
