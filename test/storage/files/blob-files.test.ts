/** Single files of blob storage in a folder. */
import { describe, expect, it } from 'vitest';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { describeBlobFiles } from '../../domain/contract/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

describe('a folder', () => {
  describeBlobFiles(() => {
    const folder = temporaryFolder();
    return () => new FolderBlobFiles(folder);
  });

  it('can be listed while others remove files', async () => {
    const files = new FolderBlobFiles(temporaryFolder());
    const names = Array.from({ length: 200 }, (_, i) => `a/${i}`);
    for (const name of names) await files.put(name, Buffer.from(''));
    const listed = files.list('a/');
    await Promise.all(names.map((name) => files.deleteFile(name)));
    expect((await listed).length).toBeLessThanOrEqual(200);
  });

  it('refuses names that lead out of it', () => {
    const files = new FolderBlobFiles(temporaryFolder());
    return expect(files.put('../a', Buffer.from(''))).rejects.toThrow('leads out of the store');
  });
});
