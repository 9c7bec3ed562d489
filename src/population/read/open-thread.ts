/** A thread that verifies a population version and prepares the look-up tables for the serving thread. */
import { hostThread } from '../../lib/threads/thread-host.ts';
import { type PreparedVersion, prepareVersion } from './population.ts';

export interface OpenTask {
  readonly path: string;
  readonly version: string;
  /** Whether another process has just verified the files. */
  readonly isVerified: boolean;
}

await hostThread(() => ({
  run: ({ path, version, isVerified }: OpenTask) => prepareVersion(path, version, isVerified),
  transferred: ({ directory: { bytes, ends, slots }, rowOf, users, identifiers }: PreparedVersion) =>
    [bytes, ends, slots, rowOf, ...(users ? [users] : []), ...identifiers.map((one) => one.bytes)].map(
      ({ buffer }) => buffer as ArrayBuffer,
    ),
  close() {},
}));
