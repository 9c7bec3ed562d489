/** Reading what makes a customised model from the folder of its ranking. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readStoredModel } from '../../src/service/threads/stored-model.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const root = temporaryFolder();

it('says model_not_stored when the ranking has no file, storage_failed when there is no ranking either', async () => {
  const blobs = new FileBlobs(root);
  mkdirSync(join(root, 'ranking'));
  await expect(readStoredModel(blobs, 'ranking')).rejects.toThrow(
    expect.objectContaining({ code: 'model_not_stored' }),
  );
  await expect(readStoredModel(blobs, 'gone')).rejects.toThrow(
    expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } }),
  );
  mkdirSync(join(root, 'ranking', 'customised.bin'));
  await expect(readStoredModel(blobs, 'ranking')).rejects.toThrow(
    expect.objectContaining({ code: 'storage_failed', facts: { errno: 'EISDIR' } }),
  );
});
