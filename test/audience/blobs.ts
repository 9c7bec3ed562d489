/** The blobs that the tests of audiences read and corrupt. */
import type { Blobs } from '../../src/domain/ports/blobs.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';

/** Folders of blobs by absolute path: tests look into their files. */
export const blobs: Blobs = new FileBlobs('/');
