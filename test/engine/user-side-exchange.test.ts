/** User sides that hosts of a cluster exchange. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BlobFiles } from '../../src/domain/ports/blob-files.ts';
import { openUserSideExchange } from '../../src/engine/user-side-exchange.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { encodeUserSide } from '../../src/online/user-side/user-side-codec.ts';
import { openBlobFiles } from '../../src/storage/open-store.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const KEPT = { version: 'version', model: 'model' };
const NAMES = ['a', 'b'].map((key) => `user-side-model-layout/${key}.users`);
const SIDE = { count: 1, userNumbers: Int32Array.of(7), values: new Map(), lists: new Map() };
const MOST_BYTES = 2 ** 20;

let storage: string;
let files: BlobFiles;
beforeEach(async () => {
  storage = temporaryFolder();
  files = await openBlobFiles(pathToFileURL(storage).href, systemClock);
});

/** A host of the cluster. */
async function newHost() {
  const population = temporaryFolder();
  const pathOf = (segment: number) => join(population, KEPT.version, NAMES[segment]!);
  mkdirSync(dirname(pathOf(0)), { recursive: true });
  const exchange = await openUserSideExchange(files, population, KEPT, NAMES, MOST_BYTES);
  return { exchange, pathOf };
}

/** Makes a user side on a host, whose bytes `user` distinguishes. */
function make(path: string, key: string, user: number): Buffer {
  const bytes = Buffer.concat(encodeUserSide(key, { ...SIDE, userNumbers: Int32Array.of(user) }));
  writeFileSync(path, bytes);
  return bytes;
}

const storedPath = (segment: number) => join(storage, 'shared/population/user-sides', NAMES[segment]!);

describe('the exchange of user sides', () => {
  it('brings what another host has stored', async () => {
    const [one, two] = [await newHost(), await newHost()];
    expect(await one.exchange.fetch(0)).toBe(false);
    const bytes = make(one.pathOf(0), 'a', 1);
    await one.exchange.store(0);
    expect(await two.exchange.fetch(0)).toBe(false); // was stored after it looked
    const three = await newHost();
    expect(await three.exchange.fetch(0)).toBe(true);
    expect(readFileSync(three.pathOf(0))).toEqual(bytes);
  });

  it.each([
    ['damaged', (bytes: Buffer) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['one of other users', () => Buffer.concat(encodeUserSide('b', SIDE))],
  ])('replaces a stored one that is %s', async (_, spoil) => {
    const one = await newHost();
    const bytes = make(one.pathOf(0), 'a', 1);
    await one.exchange.store(0);
    writeFileSync(storedPath(0), spoil(Buffer.from(bytes)));
    const two = await newHost();
    expect(await two.exchange.fetch(0)).toBe(false);
    const again = make(two.pathOf(0), 'a', 2);
    await two.exchange.store(0);
    expect(readFileSync(storedPath(0))).toEqual(again);
    const three = await newHost();
    expect(await three.exchange.fetch(0)).toBe(true);
    expect(readFileSync(three.pathOf(0))).toEqual(again);
  });
});
