/** Versions of a population folder: listed, compared, rolled back, pruned. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { diffPopulations } from '../../src/population/read/diff.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import {
  makeCurrent,
  pruneVersions,
  summariseVersions,
  versionBefore,
} from '../../src/population/versions/versions.ts';
import { newFolder } from '../fixture/folders.ts';
import { importUsers, type TestUser } from './support.ts';

const user = (id: string, city: string | null, likes: string[]) => ({ user_id: id, city, likes }) as TestUser;
const refusalOf = (action: () => unknown): AppError => {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

async function threeVersions(): Promise<{ out: string; versions: string[] }> {
  const out = newFolder();
  const lists = [
    [user('a', 'x', ['t']), user('b', 'y', [])],
    [user('a', 'z', ['t']), user('c', null, ['t', 'u'])],
    [user('c', null, ['u', 't']), user('d', 'x', [])],
  ];
  const versions: string[] = [];
  for (const users of lists) versions.push((await importUsers(newFolder(), out, users)).version);
  return { out, versions };
}

describe('the versions of a population', () => {
  it('are listed, the newest first', async () => {
    const { out, versions } = await threeVersions();
    const listed = summariseVersions(out);
    expect(new Set(listed.map(({ version }) => version))).toEqual(new Set(versions));
    expect(listed.filter(({ isCurrent }) => isCurrent).map(({ version }) => version)).toEqual([versions[2]]);
    expect(listed.find(({ version }) => version === versions[1])).toMatchObject({ users: 2, knownUsers: 3 });
    expect(refusalOf(() => summariseVersions(newFolder())).code).toBe('invalid_population');
  });

  it('are rolled back and forth, never to one that is not there or is damaged', async () => {
    const { out, versions } = await threeVersions();
    makeCurrent(out, versions[0]!);
    expect(openPopulation(out).version).toBe(versions[0]);
    makeCurrent(out, versions[2]!);
    expect(openPopulation(out).version).toBe(versions[2]);
    expect(refusalOf(() => makeCurrent(out, '0123456789ab')).message).toContain('has no version 0123456789ab');
    const segment = join(out, versions[1]!, 'segments', '000000.arrow');
    const bytes = readFileSync(segment);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(segment, bytes);
    expect(refusalOf(() => makeCurrent(out, versions[1]!)).code).toBe('invalid_population');
    expect(openPopulation(out).version).toBe(versions[2]);
  });

  it('tell which one came before the current one', async () => {
    const { out, versions } = await threeVersions();
    expect(versions).toContain(versionBefore(out));
    expect(versionBefore(out)).not.toBe(versions[2]);
    const single = newFolder();
    await importUsers(newFolder(), single, [user('a', 'x', [])]);
    expect(refusalOf(() => versionBefore(single)).message).toContain('no version before');
  });

  it('are pruned, but for the current one and the one with the most numbers', async () => {
    const { out, versions } = await threeVersions();
    makeCurrent(out, versions[0]!);
    const gone = pruneVersions(out, 1);
    expect(gone).toEqual([versions[1]]);
    expect(
      summariseVersions(out)
        .map(({ version }) => version)
        .sort(),
    ).toEqual([versions[0], versions[2]].sort());
    expect(pruneVersions(out, 1)).toEqual([]);
    // numbers go on from the version with the most
    await importUsers(newFolder(), out, [user('e', 'x', []), user('a', 'x', [])]);
    expect(openPopulation(out).directory.find('e')).toBe(4);
    expect(openPopulation(out).directory.find('a')).toBe(0);
  });
});

describe('diffPopulations', () => {
  it('counts who came, who went, and whose values changed', async () => {
    const { out, versions } = await threeVersions();
    const [a, b, c] = versions.map((version) => openPopulation(out, { version }));
    expect(diffPopulations(a!, b!)).toMatchObject({ added: 1, removed: 1, kept: 1, changed: 1 });
    expect([...diffPopulations(a!, b!).changedByFeature]).toEqual([
      ['city', 1],
      ['likes', 0],
    ]);
    // the order of a list counts
    expect([...diffPopulations(b!, c!).changedByFeature]).toEqual([
      ['city', 0],
      ['likes', 1],
    ]);
    expect(diffPopulations(c!, c!)).toMatchObject({ added: 0, removed: 0, kept: 2, changed: 0 });
  });

  it('agrees with plain maps over random versions', async () => {
    const record = fc.tuple(fc.constantFrom(null, 'x', 'y'), fc.array(fc.constantFrom('t', 'u'), { maxLength: 2 }));
    const version = fc.uniqueArray(fc.tuple(fc.constantFrom(...'abcdefgh'), record), {
      minLength: 1,
      selector: ([id]) => id,
    });
    await fc.assert(
      fc.asyncProperty(version, version, async (before, after) => {
        const out = newFolder();
        const open = async (users: typeof before) => {
          const list = users.map(([id, [city, likes]]) => user(id, city, likes));
          return openPopulation(out, { version: (await importUsers(newFolder(), out, list)).version });
        };
        const [a, b] = [await open(before), await open(after)];
        const diff = diffPopulations(a, b);
        const then = new Map(before);
        const both = after.filter(([id]) => then.has(id));
        expect(diff).toMatchObject({
          added: after.length - both.length,
          removed: before.length - both.length,
          changed: both.filter(([id, value]) => JSON.stringify(then.get(id)) !== JSON.stringify(value)).length,
        });
      }),
      { numRuns: 15 },
    );
  });
});
