/** Blobs in a folder of files. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

it('are deleted with what killed processes left of their folder, even if it was never published', async () => {
  const root = temporaryFolder();
  for (const name of ['a.new-killed', 'a.old-killed', 'ab.new-killed'])
    mkdirSync(join(root, 'work', name), { recursive: true });
  await new FileBlobs(root).delete('work/a');
  expect(readdirSync(join(root, 'work'))).toEqual(['ab.new-killed']);
});
