/** Object storage in a process of its own, so that its processor time can be told apart. Counts its requests. */

import { systemClock } from '../../../../../src/lib/clock.ts';
import { type AnsweredRequest, startS3 } from '../../../../fixture/s3/s3-server.ts';

/** What the process says: where it listens, and the requests since it was last asked. */
export type FromS3 =
  | { readonly kind: 'listening'; readonly url: string; readonly credentials: Readonly<Record<string, string>> }
  | { readonly kind: 'requests'; readonly requests: readonly AnsweredRequest[] };

const PREFIX = 'bench';

let requests: AnsweredRequest[] = [];
const server = await startS3({ now: systemClock.now, onAnswered: (request) => requests.push(request) });
const tell = (message: FromS3) => void process.send!(message);
process.on('message', () => {
  tell({ kind: 'requests', requests });
  requests = [];
});
// a benchmark that was killed leaves nothing behind
process.on('disconnect', () => process.exit());
tell({
  kind: 'listening',
  url: `s3://${server.bucket}/${PREFIX}?endpoint=${server.endpoint}`,
  credentials: {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: 'us-east-1',
  },
});
