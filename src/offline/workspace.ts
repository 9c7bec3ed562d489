/** A data set made ready for work: its users as a temporary population, its campaigns as history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataSet, openDataSet } from '../population/data-set.ts';
import { importPopulation } from '../population/import.ts';
import { openPopulation, type Population } from '../population/population.ts';
import { type History, readHistory } from './history.ts';

export interface Workspace {
  readonly dataSet: DataSet;
  readonly population: Population;
  readonly history: History;
  /** Removes the temporary population. */
  close(): void;
}

/** Imports the users of the data set in `path` and reads its history. Errors: invalid_data, naming file:line. */
export async function openWorkspace(
  path: string,
  options: { onProgress?: (usersRead: number) => void } = {},
): Promise<Workspace> {
  const dataSet = openDataSet(path);
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-population-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    await importPopulation({ source: path, features: dataSet.userFeatures, out: folder, ...options });
    const population = openPopulation(folder);
    return { dataSet, population, history: await readHistory(dataSet, population.directory), close };
  } catch (error) {
    close();
    throw error;
  }
}
