/** The population of a service across a switch of versions. */
import { describe, expect, it } from 'vitest';
import { PopulationOpener } from '../../src/population/read/open-beside.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { succeed, viewOf } from '../../src/population/read/succession.ts';
import { newFolder } from '../fixture/folders.ts';
import { allCodesOf, importUsers, type TestUser } from './support.ts';

const users = (ids: string, city: string) =>
  [...ids].map((id) => ({ user_id: id, city: `${city} ${id}`, likes: [] }) as TestUser);

describe('a view of a population', () => {
  it('reads the version that follows, by the largest directory, forwards and back', async () => {
    const out = newFolder();
    const small = await importUsers(newFolder(), out, users('abc', 'x'));
    const large = await importUsers(newFolder(), out, users('cdefg', 'y'));
    const open = (version: string) => openPopulation(out, { version });
    let current = open(small.version);
    const served = viewOf(() => current);
    expect([served.version, served.rowCount, served.directory.find('g')]).toEqual([small.version, 3, -1]);

    current = succeed(open(large.version), current);
    expect([served.version, served.rowCount, served.segmentCount]).toEqual([large.version, 5, 1]);
    expect(served.rowOf[served.directory.find('a')]).toBe(-1);
    const row = served.rowOf[served.directory.find('g')]!;
    const code = allCodesOf(served.readRows(Int32Array.of(row)).columns.get('city'))[0]!;
    expect(served.dictionary('city').token(code)).toBe('y g');

    current = succeed(open(small.version), current);
    expect([served.version, served.rowCount, served.path]).toEqual([small.version, 3, out]);
    // the id of an audience that was made with the newer version
    expect(served.directory.id(6)).toBe('g');
    expect(served.rowOf.length).toBe(7);
    expect(served.rowOf[6]).toBe(-1);
    expect(served.readSegment(0).count).toBe(3);
  });
});

describe('PopulationOpener', () => {
  it('opens a version as openPopulation does, and refuses a damaged one', async () => {
    const out = newFolder();
    const { version } = await importUsers(newFolder(), out, users('abcdefgh', 'x'));
    const opener = new PopulationOpener();
    const [here, beside] = [openPopulation(out), await opener.open(out, version)];
    expect(beside.version).toBe(version);
    expect(beside.rowOf).toEqual(here.rowOf);
    for (const id of 'abcdefghi') expect(beside.directory.find(id)).toBe(here.directory.find(id));
    expect(beside.readSegment(0)).toEqual(here.readSegment(0));
    await expect(opener.open(out, '0123456789ab')).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_population' }),
    );
    await opener.close();
  });
});
