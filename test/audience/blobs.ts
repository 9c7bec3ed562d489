/** The blobs that the tests of audiences read and spoil. */
import type { Blobs } from '../../src/campaigns/ports/blobs.ts';
import { FileBlobs } from '../../src/sqlite/file-blobs.ts';

/** Folders of blobs by absolute path: tests look into their files. */
export const blobs: Blobs = new FileBlobs('/');
