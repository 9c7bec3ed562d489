/**
 * The disk of the population folder is full: the service goes on with equal rankings, says why once, and stores the
 * user sides when it can.
 */
import { cpSync, globSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { openPopulation } from '../../src/population/read.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { fillDisk, mountDisk, unmountDisk } from '../fixture/full-disk.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const TIMEOUT = { timeout: 300_000 };
const NO_RESERVE = { METAHEAC_DISK_RESERVE_BYTES: '0' };
const world = await tinyWorld();

/** A copy of the population on a small disk of its own. */
function newPopulation(size: string): string {
  const folder = temporaryFolder();
  expect(mountDisk(folder, size)).toBe(true);
  onTestFinished(() => unmountDisk(folder));
  const population = join(folder, 'population');
  cpSync(world.wide, population, { recursive: true });
  return population;
}

const canMount = (() => {
  const folder = temporaryFolder();
  const isMounted = mountDisk(folder, '1m');
  if (isMounted) unmountDisk(folder);
  return isMounted;
})();

const namesOf = (population: string) => globSync(join(population, '*', 'user-side-*', '*'));

function store(population: string) {
  const { version } = openPopulation(population);
  const config = { model: world.model, population, populationVersion: version, device: 'cpu', threads: 2 };
  return storeUserSides(config, 2 ** 30, () => {});
}

class Rankings {
  readonly dataDir = temporaryFolder();
  readonly served: Served;

  private constructor(served: Served, dataDir: string) {
    this.served = served;
    this.dataDir = dataDir;
  }

  static async start(population: string, env: Record<string, string>): Promise<Rankings> {
    const dataDir = temporaryFolder();
    return new Rankings(await Served.start({ dataDir, model: world.model, population, env }), dataDir);
  }

  async next(): Promise<string> {
    const id = await this.served.create(world.campaigns[0]!);
    expect((await this.served.ended(id)).state).toBe('ready');
    const folder = join(this.dataDir, 'audiences', id);
    return digestOf(join(folder, readdirSync(folder)[0]!));
  }

  /** Waits until the metrics have these numbers. */
  counts(stored: number, missing: number): Promise<void> {
    const lines = [`metaheac_engine_user_sides_stored ${stored}`, `metaheac_engine_user_sides_missing ${missing}`];
    return this.served.until(async () => {
      const { text } = await this.served.call('GET', '/metrics');
      return lines.every((line) => text.includes(`${line}\n`));
    }, `has stored ${stored} user sides`);
  }

  /** How often the log says that user sides are missing, with this reason. */
  told(reason: RegExp): number {
    const lines = this.served.log.split('\n').filter((line) => line.includes('not all user sides are stored'));
    return lines.filter((line) => reason.test(line)).length;
  }
}

/** The ranking without stored user sides. */
let withoutSides: string | null = null;
async function computed(): Promise<string> {
  if (withoutSides !== null) return withoutSides;
  const rankings = await Rankings.start(world.wide, { METAHEAC_USER_SIDE_BYTES: '0' });
  withoutSides = await rankings.next();
  rankings.served.killGroup();
  return withoutSides;
}

describe('user sides that cannot be stored', () => {
  // where none can be mounted the tests are left out with a loud line, and in CI they fail instead
  if (!canMount)
    it.runIf(process.env['CI'])('SKIPPED outside of CI: needs Linux and the right to mount a tmpfs', () => {
      expect(canMount).toBe(true);
    });

  it.runIf(canMount)('are computed while the disk is full, and then stored', TIMEOUT, async () => {
    const population = newPopulation('160m');
    const filler = join(population, '..', 'filler');
    fillDisk(filler);
    await expect(store(population)).rejects.toMatchObject({
      code: 'storage_failed',
      facts: { errno: 'ENOSPC' },
    });
    expect(namesOf(population)).toEqual([]);

    const expected = await computed();
    const rankings = await Rankings.start(population, NO_RESERVE);
    await rankings.served.until(() => rankings.told(/the disk has too little free space/) > 0, 'has said why');
    expect(await rankings.next()).toBe(expected);
    expect(namesOf(population)).toEqual([]);
    expect(rankings.told(/./)).toBe(1);
    rmSync(filler, { recursive: true });
    await rankings.counts(2, 0);
    expect(await rankings.next()).toBe(expected);
    expect(namesOf(population)).toHaveLength(2);
  });
});
