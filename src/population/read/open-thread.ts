/** A thread that verifies a population version and prepares the look-up tables for the serving thread. */
import { hostThread } from '../../lib/threads/thread-host.ts';
import { type PreparedVersion, prepareVersion } from './population.ts';

export interface OpenTask {
  readonly path: string;
  readonly version: string;
}

await hostThread(() => ({
  run: ({ path, version }: OpenTask) => prepareVersion(path, version),
  transferred: ({ directory, rowOf, users }: PreparedVersion) =>
    [directory.bytes, directory.ends, directory.slots, rowOf, ...(users ? [users] : [])].map(
      ({ buffer }) => buffer as ArrayBuffer,
    ),
  close() {},
}));
