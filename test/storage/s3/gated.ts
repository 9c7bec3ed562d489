/** A server of object storage for each test of a file, behind a gate that counts and spoils requests. */
import { afterEach, beforeEach } from 'vitest';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from './faulty-gate.ts';
import { newS3, type TestStorage } from './storage.ts';

interface Gated {
  readonly server: TestS3;
  readonly gate: FaultyGate;
  /** Opens an empty prefix, without the gate unless its endpoint is given. */
  readonly open: TestStorage;
}

/** Call this outside of tests; the returned function is for tests. */
export function gatedS3(): () => Gated {
  let now: Gated;
  beforeEach(async () => {
    const server = await startOwnS3();
    now = { server, gate: await FaultyGate.start(server.endpoint), open: newS3(server) };
  });
  afterEach(async () => {
    await now.gate.close();
    await now.server.close();
  });
  return () => now;
}
