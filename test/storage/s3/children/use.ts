/** A process that checks an object storage as a start does, and writes `usable` or the error. */
import { systemClock } from '../../../../src/lib/clock.ts';
import { messageOf } from '../../../../src/lib/errors.ts';
import { requireUsableS3 } from '../../../../src/storage/s3/open-s3.ts';

await requireUsableS3(process.argv[2]!, { clock: systemClock }).then(
  () => process.stdout.write('usable'),
  (error: unknown) => process.stdout.write(messageOf(error)),
);
