/**
 * What `src/storage/s3` needs of a server of object storage, as a list of checks that any server can be put to. A check
 * uses its own keys, and throws an error if the server does not conform.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

export interface Server {
  readonly client: S3Client;
  readonly bucket: string;
  /** A bucket whose versioning the checks switch on. */
  readonly versioned: string;
}

interface Check {
  readonly name: string;
  readonly run: (server: Server) => Promise<void>;
}

/** Every part of a multipart upload has at least this size, except the last. */
const PART_BYTES = 5 * 1024 * 1024;

export const CHECKS: readonly Check[] = [
  { name: 'objects: put, get, head, user metadata, empty body', run: objects },
  { name: 'range: first bytes, last bytes, past the end', run: ranges },
  { name: 'put with If-None-Match: * creates, and refuses to replace', run: createOnly },
  { name: 'put with If-None-Match: * of 8 writers at once: one wins', run: oneCreates },
  { name: 'put with If-Match replaces only what was read', run: replaceOnly },
  { name: 'put with If-Match of 8 writers at once: one wins', run: oneReplaces },
  { name: 'put with a wrong sha256 is refused', run: wrongSum },
  { name: 'a put whose body is cut off leaves the old object', run: cutPut },
  { name: 'list: in the order of bytes, with continuation', run: lists },
  { name: 'list: with a delimiter', run: delimited },
  { name: 'delete: also of what does not exist', run: deletes },
  { name: 'delete with If-Match spares what was replaced', run: deletesIfMatch },
  { name: 'delete of many', run: deletesMany },
  { name: 'multipart: complete, visible only then', run: multipart },
  { name: 'multipart: abort', run: aborts },
  { name: 'multipart: unfinished uploads are listed', run: listsUploads },
  { name: 'versions: listed with delete markers, deleted one by one', run: versions },
];

/** Puts a server to the whole list; returns the names of the checks that it fails, with the reason. */
export async function failuresOf(server: Server): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>();
  for (const { name, run } of CHECKS) {
    try {
      await run(server);
    } catch (error) {
      failures.set(name, String((error as Error).message).split('\n')[0]!);
    }
  }
  return failures;
}

async function objects({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'objects/ä + b&c.txt';
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', Metadata: { one: '1' } }));
  assert.equal(await textOf({ client, Bucket, Key }), 'abc');
  const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
  assert.deepEqual([head.ContentLength, head.Metadata?.['one']], [3, '1']);
  assert.ok(head.ETag);
  await client.send(new PutObjectCommand({ Bucket, Key: 'objects/empty', Body: '', ContentLength: 0 }));
  assert.equal(await textOf({ client, Bucket, Key: 'objects/empty' }), '');
  for (const command of [GetObjectCommand, HeadObjectCommand])
    assert.equal(await statusOf(client.send(new command({ Bucket, Key: 'objects/none' }) as GetObjectCommand)), 404);
}

async function ranges({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'ranges/a';
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abcdef' }));
  const get = (Range: string) => client.send(new GetObjectCommand({ Bucket, Key, Range }));
  const text = async (range: string) => (await get(range)).Body!.transformToString();
  assert.deepEqual([await text('bytes=0-0'), await text('bytes=1-3'), await text('bytes=4-99')], ['a', 'bcd', 'ef']);
  assert.equal((await get('bytes=1-3')).ContentRange, 'bytes 1-3/6');
  assert.equal(await statusOf(get('bytes=6-9')), 416);
}

async function createOnly({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'create/a';
  const put = (Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' }));
  await put('first');
  assert.equal(await statusOf(put('second')), 412);
  assert.equal(await textOf({ client, Bucket, Key }), 'first');
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  await put('third');
}

async function oneCreates({ client, bucket: Bucket }: Server): Promise<void> {
  await oneWins(client, Bucket, 'create/race', { IfNoneMatch: '*' });
}

async function replaceOnly({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'replace/a';
  const first = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'first' }));
  const put = (Body: string, IfMatch = first.ETag) => client.send(new PutObjectCommand({ Bucket, Key, Body, IfMatch }));
  const second = await put('second');
  assert.equal(await statusOf(put('third')), 412);
  assert.equal(await textOf({ client, Bucket, Key }), 'second');
  await put('fourth', second.ETag);
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  assert.ok([404, 412].includes(await statusOf(put('fifth', second.ETag))));
}

async function oneReplaces({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'replace/race';
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
  await oneWins(client, Bucket, Key, { IfMatch: ETag! });
}

async function oneWins(
  client: S3Client,
  Bucket: string,
  Key: string,
  condition: Partial<PutObjectCommandInput>,
): Promise<void> {
  const writers = ['0', '1', '2', '3', '4', '5', '6', '7'];
  const statuses = await Promise.all(
    writers.map((Body) => statusOf(client.send(new PutObjectCommand({ Bucket, Key, Body, ...condition })))),
  );
  const winners = writers.filter((_, i) => statuses[i] === 200);
  assert.deepEqual(winners, [await textOf({ client, Bucket, Key })]);
  assert.ok(statuses.every((status) => [200, 409, 412].includes(status)));
}

async function wrongSum({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'sums/a';
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
  const put = (Body: string, ChecksumSHA256: string) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256 }));
  await put('right', sha256('right'));
  assert.equal(await statusOf(put('wrong', sha256('other'))), 400);
  assert.equal(await textOf({ client, Bucket, Key }), 'right');
}

async function cutPut({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'cut/a';
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
  const { hostname, port } = await client.config.endpoint!();
  const { accessKeyId } = await client.config.credentials();
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/s3/aws4_request`;
  const headers = { authorization, 'content-length': 131_072 };
  const put = request({ hostname, port, method: 'PUT', path: `/${Bucket}/${Key}`, headers });
  const failed = once(put, 'error');
  put.write(Buffer.alloc(65_536, 'x'), () => put.destroy(new Error('cut')));
  await failed;
  assert.equal(await textOf({ client, Bucket, Key }), 'old');
}

async function lists({ client, bucket: Bucket }: Server): Promise<void> {
  const keys = ['lists/B', 'lists/_x/1', 'lists/a', 'lists/a-1', 'lists/a/0', 'lists/a/1', 'lists/b', 'lists/ä'];
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
  const found: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: 'lists/',
        MaxKeys: 3,
        ...(ContinuationToken && { ContinuationToken }),
      }),
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      assert.ok(Size === Buffer.byteLength(Key!) && LastModified instanceof Date);
      found.push(Key!);
    }
    ContinuationToken = page.NextContinuationToken;
    assert.equal(page.IsTruncated, ContinuationToken !== undefined);
  } while (ContinuationToken);
  assert.deepEqual(found, keys);
}

async function delimited({ client, bucket: Bucket }: Server): Promise<void> {
  for (const Key of ['delimited/a', 'delimited/b/1', 'delimited/b/2'])
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc' }));
  const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'delimited/', Delimiter: '/' }));
  assert.deepEqual(
    page.Contents?.map(({ Key }) => Key),
    ['delimited/a'],
  );
  assert.deepEqual(
    page.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ['delimited/b/'],
  );
}

async function deletes({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'deletes/a';
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc' }));
  for (let i = 0; i < 2; i++) await client.send(new DeleteObjectCommand({ Bucket, Key }));
  assert.equal(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key }))), 404);
}

async function deletesIfMatch({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'deletes/if-match';
  const put = async (Body: string) => (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).ETag;
  const [first, second] = [await put('first'), await put('second')];
  const remove = (IfMatch = first) => client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
  assert.equal(await statusOf(remove()), 412);
  assert.equal(await textOf({ client, Bucket, Key }), 'second');
  await remove(second);
  assert.equal(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key }))), 404);
}

async function deletesMany({ client, bucket: Bucket }: Server): Promise<void> {
  const keys = ['many/a&b', 'many/ä', 'many/c'];
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc' }))));
  const Objects = [...keys, 'many/none'].map((Key) => ({ Key }));
  const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  assert.deepEqual(Errors, []);
  const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/' }));
  assert.equal(KeyCount, 0);
}

async function multipart({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'multipart/a';
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { one: '1' } }));
  const bodies = [Buffer.alloc(PART_BYTES, 'a'), Buffer.from('end')];
  const Parts = [];
  // in the wrong order on purpose
  for (const PartNumber of [2, 1]) {
    const Body = bodies[PartNumber - 1]!;
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.unshift({ PartNumber, ETag });
  }
  assert.equal(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key }))), 404);
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
  assert.deepEqual([head.ContentLength, head.Metadata?.['one']], [PART_BYTES + 3, '1']);
  const end = await client.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${PART_BYTES - 1}-` }));
  assert.equal(await end.Body!.transformToString(), 'aend');
}

async function aborts({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'aborts/a';
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'abc' }));
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await assert.rejects(client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload })));
  assert.equal(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key }))), 404);
}

async function listsUploads({ client, bucket: Bucket }: Server): Promise<void> {
  const Key = 'uploads/a';
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const list = () => client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'uploads/' }));
  const [upload, ...others] = (await list()).Uploads ?? [];
  assert.deepEqual([upload?.Key, upload?.UploadId, others], [Key, UploadId, []]);
  assert.ok(upload?.Initiated instanceof Date);
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  assert.deepEqual((await list()).Uploads ?? [], []);
}

async function versions({ client, versioned: Bucket }: Server): Promise<void> {
  const Key = 'versions/a';
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  assert.equal((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status, 'Enabled');
  for (const Body of ['1', '2']) await client.send(new PutObjectCommand({ Bucket, Key, Body }));
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  assert.equal(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key }))), 404);
  const list = () => client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'versions/' }));
  const { Versions = [], DeleteMarkers = [] } = await list();
  assert.deepEqual([Versions.length, DeleteMarkers.length], [2, 1]);
  const Objects = [...Versions, ...DeleteMarkers].map(({ VersionId }) => ({ Key, VersionId }));
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  const left = await list();
  assert.deepEqual([left.Versions ?? [], left.DeleteMarkers ?? []], [[], []]);
}

async function textOf({ client, ...input }: { client: S3Client; Bucket: string; Key: string }): Promise<string> {
  return (await client.send(new GetObjectCommand(input))).Body!.transformToString();
}

/** The HTTP status of a call, whether it succeeds or fails. */
async function statusOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return error.$metadata.httpStatusCode ?? 0;
  }
}
