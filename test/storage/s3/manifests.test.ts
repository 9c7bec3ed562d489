/** How often manifests are read, what a process remembers of them, and the removal of folders that nobody uses. */
import { expect, it } from 'vitest';
import { gatedS3 } from './gated.ts';

const gated = gatedS3();

const FINAL = { isFinal: true };
const bytes = (text: string) => Buffer.from(text);
const filesOf = (text: string) =>
  new Map([
    ['a', bytes(`a ${text}`)],
    ['b', bytes(`b ${text}`)],
  ]);

it('the manifest of a final folder is read once by a process, and not by the one that put it', async () => {
  const { gate, open } = gated();
  const { blobs: writer } = open({ endpoint: gate.endpoint });
  await writer.publish('work/x/1', filesOf('first'));
  await writer.read('work/x/1', 'a', FINAL);
  expect(gate.count('GET', '_manifest')).toBe(0);
  const { blobs: reader } = open({ endpoint: gate.endpoint });
  for (const file of ['a', 'b', 'a']) await reader.read('work/x/1', file, FINAL);
  expect(gate.count('GET', '_manifest')).toBe(1);
  await reader.read('work/x/1', 'a');
  expect(gate.count('GET', '_manifest')).toBe(2);
});

it('a final folder that another process has removed is missing, at the latest once its files have to be fetched', async () => {
  const { open } = gated();
  const [{ blobs: one }, { blobs: other }] = [open(), open()];
  await one.publish('work/x/1', filesOf('first'));
  await other.deleteUnused(['work/x/1']);
  await expect(one.read('work/x/1', 'b', FINAL)).rejects.toMatchObject({ facts: { errno: 'ENOENT' } });
  await one.publish('work/x/2', filesOf('first'));
  await one.deleteUnused(['work/x/2']);
  await expect(one.read('work/x/2', 'b', FINAL)).rejects.toMatchObject({ facts: { errno: 'ENOENT' } });
});

it('files that their writer reads are not fetched, and others are', async () => {
  const { gate, open } = gated();
  const { blobs, cache } = open({ endpoint: gate.endpoint, limits: { blobPartBytes: 5 } });
  const files = new Map([['a', bytes('some parts of five bytes')]]);
  await blobs.publish('work/x/1', files, { isReadHere: true });
  expect(String(Buffer.from(await blobs.read('work/x/1', 'a', FINAL)))).toBe('some parts of five bytes');
  expect([gate.count('GET'), cache.fetchedBytes]).toEqual([0, 0]);
  // four of the five parts were in memory, and are given up after they were read
  expect(String(Buffer.from(await blobs.read('work/x/1', 'a', FINAL)))).toBe('some parts of five bytes');
  expect([gate.count('GET'), cache.fetchedBytes]).toEqual([4, 20]);
  const { blobs: other } = open();
  expect(String(Buffer.from(await other.read('work/x/1', 'a')))).toBe('some parts of five bytes');
  await blobs.publish('work/x/2', new Map([['a', bytes('others')]]));
  await blobs.read('work/x/2', 'a', FINAL);
  expect(gate.count('GET')).toBe(6);
});

it('small files are in the manifest, and large ones beside it', async () => {
  const { gate, open } = gated();
  const limits = { blobInlineBytes: 9, blobPartBytes: 4 };
  const { blobs } = open({ endpoint: gate.endpoint, limits });
  const files = new Map([
    ['none', ''],
    ['small', 'nine byte'],
    ['large', 'ten bytes!'],
  ]);
  await blobs.publish('work/x/1', new Map([...files].map(([name, text]) => [name, bytes(text)])));
  expect(gate.count('PUT')).toBe(2);
  const { blobs: other, cache } = open({ endpoint: gate.endpoint });
  expect(await other.list('work/x/1')).toEqual(['large', 'none', 'small']);
  for (const [name, text] of files) expect(String(Buffer.from(await other.read('work/x/1', name)))).toBe(text);
  expect([gate.count('GET', '/small'), gate.count('GET', '/none'), gate.count('GET', '/large')]).toEqual([0, 0, 3]);
  expect(cache.damaged).toBe(0);
  await other.delete('work/x/1');
  await expect(open({ limits }).blobs.read('work/x/1', 'small')).rejects.toMatchObject({ facts: { errno: 'ENOENT' } });
});

it('folders that nobody uses are removed with three calls, and no others', async () => {
  const { gate, open } = gated();
  const { blobs } = open();
  const unused = ['work/x/1', 'work/x/1-0-1', 'work/x/1-12-1', 'work/x/1-12-2'];
  const kept = ['work/x/10', 'work/x/1-0-12', 'work/y/1', 'work/x/2'];
  for (const folder of [...unused.slice(0, 3), ...kept]) await blobs.publish(folder, filesOf(folder));
  const writer = blobs.write('work/x/1');
  writer.write(bytes('a single file'));
  await (await writer.finish()).publish('report.json');
  const counted = open({ endpoint: gate.endpoint });
  await counted.blobs.deleteUnused(unused);
  // the rules of the bucket, a list, and the removal
  expect(gate.asked.length).toBe(3);
  for (const folder of unused) expect(await blobs.list(folder)).toEqual([]);
  for (const folder of kept) expect(String(Buffer.from(await counted.blobs.read(folder, 'a')))).toBe(`a ${folder}`);
  await counted.blobs.deleteUnused(unused);
  await counted.blobs.deleteUnused([]);
});
