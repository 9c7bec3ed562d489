/**
 * Measures the quality of audiences: the default model compared with baselines and the published recipe, and the
 * contribution of each part of the training.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { ABLATIONS, type WholeName } from './ablations.ts';
import { type RunArguments, readArguments } from './arguments.ts';
import { type BenchRun, openBenchRun } from './bench-run.ts';
import { deriveOnce } from './once.ts';
import { fillPage, pageOf } from './page.ts';
import { openPartStore } from './part-store.ts';
import { type AblationResult, type MainResult, runAblation, runMain, runWhole, type WholeResult } from './parts.ts';
import { writeScenarioData } from './scenario-data.ts';
import { type DataSetResults, renderTables } from './tables.ts';

/**
 * Runs the requested parts and returns tables of all results in `--work` for the given data sets. With `--derive`,
 * writes a derived data set instead.
 */
export async function runQuality(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const asked = readArguments(args);
  switch (asked.mode) {
    case 'run':
      return write(renderTables(await runDataSets(asked, note)), asked.out);
    case 'kept':
      return write(renderTables(readKept(asked.work)), asked.out);
    case 'derive':
      await deriveOnce(asked);
      return [`wrote a data set with at most one campaign per user to ${asked.out}`];
  }
}

/**
 * Returns a page with `tables`, or writes the page to `out` if it is set. If the file exists, only the tables between
 * its marks change.
 */
function write(tables: ReadonlyMap<string, string>, out: string | null): readonly string[] {
  const page = pageOf('Quality', tables);
  if (out !== null) writeFileSync(out, existsSync(out) ? fillPage(readFileSync(out, 'utf8'), tables) : page);
  return [page];
}

async function runDataSets(asked: RunArguments, note: (line: string) => void): Promise<DataSetResults[]> {
  const { only, steps, repeats, published } = asked;
  const work = asked.work ?? mkdtempSync(join(tmpdir(), 'metaheac-quality-'));
  try {
    const scenarios: string[] = [];
    for (const name of asked.scenarios) scenarios.push(await writeScenarioData(work, name));
    const results: DataSetResults[] = [];
    for (const folder of [...asked.data, ...scenarios]) {
      const run = await openBenchRun(folder, work, { steps, repeats, published, note });
      try {
        results.push(await runParts(run, only));
      } finally {
        run.prepared.close();
      }
    }
    return results;
  } finally {
    if (asked.work === null) rmSync(work, { recursive: true });
  }
}

async function runParts(run: BenchRun, only: readonly string[]): Promise<DataSetResults> {
  const { store, options } = run;
  const { steps, repeats, published } = options;
  const key = { steps, repeats };
  const part = async <T>(name: string, work: () => Promise<T>, own: object = key): Promise<T | null> => {
    if (!only.includes(name)) return store.find<T>(name);
    const done = store.find<T>(name, own);
    if (done !== null) return done;
    run.note(name);
    const start = systemClock.elapsed();
    const value = await work();
    store.keep(name, own, value);
    run.note(`${name}: ${((systemClock.elapsed() - start) / 1000).toFixed(0)} s`);
    return value;
  };
  const main = await part('main', () => runMain(run), published ? key : { ...key, published });
  const wholes = new Map<WholeName, WholeResult>();
  const wholeOf = async (name: WholeName): Promise<WholeResult> => {
    const done = wholes.get(name) ?? store.find<WholeResult>(`whole-${name}`, key);
    const value = done ?? (await runWhole(run, name));
    if (done === null) store.keep(`whole-${name}`, key, value);
    wholes.set(name, value);
    return value;
  };
  const ablations = new Map<string, AblationResult>();
  for (const ablation of ABLATIONS) {
    const { name, of = 'reference' } = ablation;
    const result = await part(name, async () => runAblation(run, ablation, await wholeOf(of)));
    if (result) ablations.set(name, result);
  }
  const reference = store.find<WholeResult>('whole-reference');
  return { name: run.name, main, reference, ablations };
}

/**
 * Returns the stored results of each data set by name, whatever their keys. A folder that does not exist causes an
 * invalid_argument error.
 */
function readKept(work: string): DataSetResults[] {
  if (!existsSync(work)) throw new AppError('invalid_argument', `the folder ${work} does not exist`);
  const folders = readdirSync(work, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => ({ name: decodeURIComponent(name), store: openPartStore(join(work, name)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, store }) => ({
      name,
      main: store.find<MainResult>('main'),
      reference: store.find<WholeResult>('whole-reference'),
      ablations: new Map(
        ABLATIONS.flatMap((ablation) => {
          const result = store.find<AblationResult>(ablation.name);
          return result ? [[ablation.name, result] as const] : [];
        }),
      ),
    }));
}
