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

  it('refuses names that lead out of it', () => {
    const files = new FolderBlobFiles(temporaryFolder());
    return expect(files.put('../a', Buffer.from(''))).rejects.toThrow('leads out of the store');
  });
});
