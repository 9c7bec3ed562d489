/** A population of several segments, in which an update left dead rows and mixed the user numbers of segments. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '../../../src/dataset/features.ts';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../../src/population/update.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';

const COPIES = 66_000;
/** Few enough that the update rewrites no full segment. */
const CHANGED = 5_000;
const DELETED = 500;
/** Segments of the population after its update. */
export const SEGMENTS = 2;

/** A copy of the small world's data set, in which `age_band` and the first campaign are excluded for housing. */
export function makeLabelledData(source: string): string {
  const data = join(temporaryFolder(), 'data');
  cpSync(source, data, { recursive: true });
  const description = join(data, 'dataset.json');
  const { user_features, ...others } = JSON.parse(readFileSync(description, 'utf8'));
  for (const one of user_features) if (one.name === 'age_band') one.excluded_for = ['housing'];
  writeFileSync(description, JSON.stringify({ user_features, ...others }));
  const campaigns = join(data, 'campaigns.ndjson');
  const [first = '', ...rest] = readFileSync(campaigns, 'utf8').split('\n');
  const labelled = JSON.stringify({ ...JSON.parse(first), special_categories: ['housing'] });
  writeFileSync(campaigns, [labelled, ...rest].join('\n'));
  return data;
}

/** The users of that data set come first, then copies of them with other ids, so there are many ties. */
export async function makeUpdatedPopulation(out: string): Promise<void> {
  const world = await tinyWorld();
  const data = makeLabelledData(world.data);
  const path = join(data, 'users.ndjson');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const users = lines.map((line) => JSON.parse(line) as { user_id: string });
  const copyOf = (i: number, id: string) => JSON.stringify({ ...users[i % users.length], user_id: id });
  const copies = Array.from({ length: COPIES }, (_, i) => copyOf(i, `copy-${i}`));
  writeFileSync(path, `${[...lines, ...copies].join('\n')}\n`);
  await importPopulation({ source: data, features: openPopulation(world.population).features, out });
  const changed = join(data, 'changed.ndjson');
  const delta = Array.from({ length: CHANGED }, (_, i) => copyOf(i + 7, `copy-${i * 12}`));
  writeFileSync(changed, `${delta.join('\n')}\n`);
  const deleted = join(data, 'deleted.txt');
  writeFileSync(deleted, Array.from({ length: DELETED }, (_, i) => `copy-${i * 12 + 1}\n`).join(''));
  const schema = (features: readonly Feature[]) => schemaOfFeatures(features, new Map());
  await updateFiles({ population: out, changed: [changed], deleted: [deleted], schema });
}
