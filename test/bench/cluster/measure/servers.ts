/** Postgres and object storage for benchmarks, each in processes of its own. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { startPostgres } from '../../../../src/demo/postgres-server.ts';
import type { AnsweredRequest } from '../../../fixture/s3/s3-server.ts';
import { processorSeconds } from '../../processes.ts';
import type { FromS3 } from './children/s3-process.ts';
import type { Ending } from './ending.ts';

export interface Servers {
  /** URL of an empty database. */
  readonly database: string;
  /** URL of the blobs. */
  readonly blobs: string;
  /** Variables of the environment with credentials for the blobs. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Processor seconds so far. */
  readonly seconds: { postgres(): number; s3(): number };
  /** The requests that object storage has answered since the last call. */
  requests(): Promise<readonly AnsweredRequest[]>;
}

export async function startServers(ending: Ending): Promise<Servers> {
  const postgres = await startPostgres();
  ending.defer(() => postgres.close());
  const s3 = fork(join(import.meta.dirname, 'children', 's3-process.ts'), [], { detached: true });
  ending.own(s3);
  const answer = () =>
    new Promise<FromS3>((resolve, reject) => {
      const fail = () => reject(new Error('the object storage has ended'));
      s3.once('exit', fail);
      s3.once('message', (message) => {
        s3.off('exit', fail);
        resolve(message as FromS3);
      });
    });
  const listening = await answer();
  if (listening.kind !== 'listening') throw new Error('the object storage does not say where it listens');
  return {
    database: `${postgres.url}/postgres`,
    blobs: listening.url,
    credentials: listening.credentials,
    seconds: { postgres: () => processorSeconds(postgres.pid), s3: () => processorSeconds(s3.pid!) },
    requests: async () => {
      s3.send('requests');
      const answered = await answer();
      return answered.kind === 'requests' ? answered.requests : [];
    },
  };
}
