/** Populations of the tiny world's model with stored user sides, as tests find them on disk. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import type { Rig } from './rig.ts';

const { model, campaigns } = await tinyWorld();
const PREFIX = `user-side-${readModelFolder(model).manifest.version}-`;
/** An engine makes user sides within this time, beside other tests. */
export const MADE_MS = 120_000;

/** A copy of a population; if `isBare`, without the user sides that engines of other tests may be storing in it. */
export function copyOf(population: string, { isBare = false } = {}): string {
  const copy = join(temporaryFolder(), 'population');
  const filter = (path: string) => !isBare || !basename(path).startsWith(PREFIX);
  cpSync(population, copy, { recursive: true, filter });
  return copy;
}

/** The folder of the user sides of a version; by default, of the current one. It may not exist. */
export function folderOf(population: string, version = openPopulation(population).version): string {
  const folder = join(population, version);
  return join(folder, readdirSync(folder).find((name) => name.startsWith(PREFIX)) ?? 'none');
}

/** The paths of the user sides of the current version. */
export function filesOf(population: string): string[] {
  const folder = folderOf(population);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith('.users'))
    .map((name) => join(folder, name))
    .toSorted();
}

/** Waits until each segment of a population has its user sides. */
export async function madeAll(population: string, segments: number): Promise<void> {
  const end = Date.now() + MADE_MS;
  while (filesOf(population).length < segments) {
    expect(Date.now()).toBeLessThan(end);
    await sleep(20);
  }
}

/** A digest of the ranking of a new campaign. */
export async function rankingOf(rig: Rig): Promise<string> {
  const id = await rig.create(campaigns[0]!);
  expect((await rig.ended(id)).state).toBe('ready');
  return digestOf(await rig.folderOf(id));
}
