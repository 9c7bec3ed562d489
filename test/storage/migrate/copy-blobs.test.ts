/** Rankings are copied file by file, whatever is in their folders. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { copyBlobs } from '../../../src/storage/migrate/copy-blobs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { RemoteBlobs } from '../../fixture/remote-blobs.ts';

const RANKING = 'audiences/c/e';
/** Longer than what is read at a time, which is 1 MiB. */
const SCORES = Buffer.alloc(2.5 * 2 ** 20, 'scores.');
const FILES = { 'order.u32': Buffer.from('order'), 'ranking.json': Buffer.from('{}'), 'scores.f32': SCORES };
const BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);

function folderWith(files: Readonly<Record<string, Buffer>>): string {
  const root = temporaryFolder();
  const folder = join(root, RANKING);
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return root;
}

async function copy(from: string, to: string) {
  const ends = { from: new RemoteBlobs(from), to: new FileBlobs(to), arrived: new FileBlobs(to) };
  const contents = { sets: new Set<string>(), rankings: new Set([RANKING]), running: new Set<string>() };
  return await copyBlobs(ends, contents, () => {});
}

it.each<[string, Readonly<Record<string, Buffer>>]>([
  ['nothing', {}],
  ['some of its files', { 'order.u32': FILES['order.u32'] }],
  ['a damaged file', { ...FILES, 'scores.f32': Buffer.from(SCORES).fill(0, SCORES.length - 1) }],
  ['a file that is cut off', { ...FILES, 'scores.f32': SCORES.subarray(0, 2 ** 20) }],
])('copies a ranking to a folder with %s', async (_, there) => {
  const to = folderWith(there);
  expect(await copy(folderWith(FILES), to)).toEqual({ sets: 0, rankings: 1, bytes: BYTES });
  const folder = join(to, RANKING);
  expect(Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))).toEqual(
    FILES,
  );
});

it('names a ranking that the source does not have', async () => {
  await expect(copy(temporaryFolder(), temporaryFolder())).rejects.toThrow(`${RANKING}: the source has no such folder`);
});
