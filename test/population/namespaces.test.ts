/** A population that processes of several PID namespaces share, as a service and an import in two containers do. */
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openPopulation } from '../../src/population/read/population.ts';
import { useFolders } from '../fixture/folders.ts';
import { describeInNamespaces, type Ended, runInNamespace } from '../fixture/namespaces.ts';
import { importUsers, type TestUser, toLines, writeDataSet } from './support.ts';

const newFolder = useFolders();
const SIDE = new URL('./children/namespace-side.ts', import.meta.url);

const RUNS = 6;
/** Erasures of a run: half of them on each side. */
const ERASURES = 200;
const RACES = 5;

const user = (id: string, city = 'Rome'): TestUser => ({ user_id: id, city, likes: ['tea'] });

/** Lets these sides begin at once, each in a namespace of its own, and waits until they have ended. */
async function race(folder: string, sides: readonly (readonly string[])[], onEnd?: (i: number) => void) {
  const go = join(newFolder(), 'go');
  const ended = sides.map((args) => runInNamespace(SIDE, [go, folder, ...args]).ended);
  const all = Promise.all(
    ended.map(async (one, i) => {
      const done = await one;
      onEnd?.(i);
      return done;
    }),
  );
  const isOver = all.then(() => true);
  const readySides = () => readdirSync(dirname(go)).filter((name) => name.startsWith(`${basename(go)}.`)).length;
  while (readySides() < sides.length && !(await Promise.race([isOver, sleep(5, false)])));
  writeFileSync(go, '');
  return await all;
}

describeInNamespaces('a population shared by several PID namespaces', () => {
  it(`forgets ${ERASURES} users who are erased from two sides while a third one imports them, ${RUNS} times`, {
    timeout: RUNS * 60_000,
  }, async () => {
    const half = ERASURES / 2;
    const known = Array.from({ length: half }, (_, i) => user(`old${i}`));
    // these come with the imports: their erasures meet them before, while and after they get a number
    const fresh = Array.from({ length: half }, (_, i) => user(`new${i}`));
    for (let run = 0; run < RUNS; run++) {
      const folder = newFolder();
      await importUsers(newFolder(), folder, [user('stays'), ...known]);
      const sources = ['Oslo', 'Bern'].map((city) =>
        writeDataSet(
          newFolder(),
          [...known, ...fresh, { user_id: 'stays' }].map(({ user_id }) => user(String(user_id), city)),
        ),
      );
      const end = join(newFolder(), 'end');
      let sidesLeft = 2;
      const sides = await race(
        folder,
        [
          ['import', end, ...sources],
          ['erase', 'old', '0', String(half)],
          ['erase', 'new', '0', String(half)],
        ],
        (i) => {
          if (i > 0 && --sidesLeft === 0) writeFileSync(end, '');
        },
      );
      expect(sides.map(({ code, errors }) => [code, errors])).toEqual([0, 0, 0].map((code) => [code, '']));
      const erased = [...sides[1]!.lines, ...sides[2]!.lines];
      expect(erased).toHaveLength(ERASURES);
      const knownAgain = () => erased.filter((id) => openPopulation(folder).directory.find(id) >= 0);
      expect(knownAgain()).toEqual([]);
      await importUsers(newFolder(), folder, [...known, ...fresh, user('stays', 'Rome')]);
      expect(knownAgain()).toEqual([]);
      expect(openPopulation(folder).rowCount).toBe(1);
      expect(openPopulation(folder).erasures.count).toBeGreaterThanOrEqual(ERASURES);
    }
  });

  it(`lets one of two updates through, or both, one after the other (${RACES} races)`, {
    timeout: 300_000,
  }, async () => {
    for (let turn = 0; turn < RACES; turn++) {
      const folder = newFolder();
      await importUsers(newFolder(), folder, [user('anna'), user('bob')]);
      const deltas = ['left', 'right'].map((name) => {
        const path = join(newFolder(), `${name}.ndjson`);
        writeFileSync(path, toLines(Array.from({ length: 3_000 }, (_, i) => user(`${name}${i}`))));
        return path;
      });
      const sides: Ended[] = await race(
        folder,
        deltas.map((path) => ['update', path]),
      );
      for (const { code, lines, errors } of sides) {
        expect(errors).toBe('');
        expect(lines[0]).toMatch(code === 0 ? /^[0-9a-f]{12}$/ : /^unavailable: another import .* is running/);
      }
      const done = sides.filter(({ code }) => code === 0).length;
      expect(done).toBeGreaterThan(0);
      const { directory, rowCount } = openPopulation(folder);
      for (const [i, name] of ['left', 'right'].entries())
        expect(directory.find(`${name}2999`) >= 0).toBe(sides[i]!.code === 0);
      expect(rowCount).toBe(2 + 3_000 * done);
    }
  });
});
