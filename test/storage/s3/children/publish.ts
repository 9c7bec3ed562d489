/** A process that publishes a folder with two files, or a large single file, until it is killed. */
import { systemClock } from '../../../../src/lib/clock.ts';
import { openS3 } from '../../../../src/storage/s3/open-s3.ts';

const [url, cacheFolder, accessKeyId, secretAccessKey, how] = process.argv.slice(2);
const credentials = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! };
const { blobs } = openS3(
  { url: url!, cacheFolder: cacheFolder! },
  { clock: systemClock, credentials, limits: { blobInlineBytes: 0 } },
);
if (how === 'folder') {
  const files = ['a.bin', 'b.bin'].map((file): [string, Buffer] => [file, Buffer.from('new')]);
  await blobs.publish('audiences/c/e', new Map(files));
} else {
  const writer = blobs.write('sets');
  writer.write(Buffer.alloc(20 * 1024 ** 2));
  await (await writer.finish()).publish('a.bin');
}
