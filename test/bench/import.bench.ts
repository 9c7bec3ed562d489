/**
 * Imports as a command: users per second of NDJSON, CSV and Parquet, with and without the start, compared with DuckDB's
 * own COPY of the same file to Parquet in the same folder, and whether memory grows with the number of users. The
 * comparison favours COPY: it runs in a process that has started, with as many threads, and does not wait for the disk,
 * while the import's time includes its start, checksums and fsync.
 */
import { createReadStream, createWriteStream, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { withDatabase } from '../../src/population/tables/database.ts';
import { markdownTable } from './page.ts';
import { timeNode } from './processes.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, interleave, ratio, seconds } from './report.ts';
import { ROOT, withFolder } from './service.ts';

const USERS = { full: 1_000_000, quick: 20_000 };
const ROUNDS = 3;
/** The small imports have the users divided by this. */
const PART = 4;

export async function benchImport({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const size = users ?? USERS[quick ? 'quick' : 'full'];
  return withFolder(async (folder) => {
    note(`making files of ${size.toLocaleString('en')} people`);
    const files = await makeFiles(folder, size);
    const memory: Record<string, number[]> = {};
    const run = (name: string, file: string, count: number) => async () => {
      const out = join(folder, `population-${name}-${Math.random()}`);
      const { seconds: time, bytes } = await timeNode(
        ['scripts/run.mjs', 'src/cli/main.ts', 'population', 'import', file, '--schema', files.schema, '--out', out],
        ROOT,
      );
      memory[name] = [...(memory[name] ?? []), bytes / 2 ** 20];
      rmSync(out, { recursive: true });
      return count / time;
    };
    const copy = (source: string) => () =>
      withDatabase({ scratch: join(folder, 'scratch') }, async (database) => {
        const sql = `COPY (FROM ${source}) TO '${join(folder, 'copy.parquet')}' (FORMAT parquet)`;
        return size / (await seconds(() => database.run(sql)));
      });
    const rates = await interleave(ROUNDS, {
      'ndjson: COPY': copy(`read_json('${files.ndjson}', format = 'newline_delimited')`),
      'parquet: COPY': copy(`'${files.parquet}'`),
      ndjson: run('ndjson', files.ndjson, size),
      csv: run('csv', files.csv, size),
      parquet: run('parquet', files.parquet, size),
      'ndjson, a quarter': run('ndjson, a quarter', files.ndjsonPart, size / PART),
      'parquet, a quarter': run('parquet, a quarter', files.parquetPart, size / PART),
    });
    const results: Record<string, Figure> = {};
    for (const [name, values] of Object.entries(rates)) results[name] = figure(values, 'users/s');
    for (const name of ['ndjson', 'parquet'] as const)
      results[`${name}: beyond the start`] = figure(
        beyondStart(size, rates[name], rates[`${name}, a quarter`]),
        'users/s',
      );
    for (const [name, values] of Object.entries(memory)) results[`${name}: memory`] = figure(values, 'MiB');
    const grown = (name: string) => results[`${name}: memory`]!.median / results[`${name}, a quarter: memory`]!.median;
    const ratios = {
      import_ndjson_vs_copy: ratio(rates['ndjson: COPY'], rates.ndjson),
      import_parquet_vs_copy: ratio(rates['parquet: COPY'], rates.parquet),
      ndjson_memory_vs_a_quarter: grown('ndjson'),
      parquet_memory_vs_a_quarter: grown('parquet'),
    };
    return { results, ratios, markdown: tableOf(size, results, ratios) };
  });
}

/** The rows of the page: each format's rate and memory, and how much longer it takes than COPY. */
function tableOf(
  users: number,
  results: Readonly<Record<string, Figure>>,
  ratios: Readonly<Record<string, number>>,
): string[] {
  const rate = (name: string) => Math.round(results[name]!.median / 1000).toLocaleString('en');
  const row = (format: string, copied: string, time: string) => [
    format,
    `${rate(format.toLowerCase())},000`,
    copied,
    time,
    `${Math.round(results[`${format.toLowerCase()}: memory`]!.median)} MiB`,
  ];
  return markdownTable(
    [`${users.toLocaleString('en')} users`, 'users/s', 'users/s of COPY', "time / COPY's", 'memory'],
    [
      row('Parquet', `${rate('parquet: COPY')},000`, ratios['import_parquet_vs_copy']!.toFixed(2)),
      row('NDJSON', `${rate('ndjson: COPY')},000`, ratios['import_ndjson_vs_copy']!.toFixed(2)),
      row('CSV', '', ''),
    ],
  );
}

/** Users per second of the larger import's additional users: starting Node and opening files do not count. */
function beyondStart(size: number, rates: readonly number[], ofQuarter: readonly number[]): number[] {
  return rates.map((rate, i) => (size - size / PART) / (size / rate - size / PART / ofQuarter[i]!));
}

/** Writes the same people as NDJSON, CSV and Parquet, a part of them as NDJSON and Parquet, and their schema. */
async function makeFiles(folder: string, users: number) {
  const data = join(folder, 'data');
  await generateDataSet({ out: data, users, trainCampaigns: 1, testCampaigns: 1, seed: '1', world: 'demo' });
  const [schema, ndjson, csv, parquet, ndjsonPart, parquetPart] = [
    join(folder, 'schema.json'),
    join(data, 'users.ndjson'),
    join(folder, 'users.csv'),
    join(folder, 'users.parquet'),
    join(folder, 'part.ndjson'),
    join(folder, 'part.parquet'),
  ];
  const features = openDataSet(data).userFeatures;
  writeFileSync(
    schema,
    JSON.stringify({
      features: features.map(({ name, kind }) => (kind === 'multi' ? { name, kind, separator: '|' } : { name, kind })),
    }),
  );
  await copyLines(ndjson, ndjsonPart, Math.floor(users / PART));
  await withDatabase({ scratch: join(folder, 'scratch') }, async (database) => {
    const source = `read_json('${ndjson}', format = 'newline_delimited')`;
    await database.run(`COPY (FROM ${source}) TO '${parquet}' (FORMAT parquet)`);
    const part = `read_json('${ndjsonPart}', format = 'newline_delimited')`;
    await database.run(`COPY (FROM ${part}) TO '${parquetPart}' (FORMAT parquet)`);
    const columns = features.map(({ name, kind }) =>
      kind === 'multi' ? `array_to_string("${name}", '|') AS "${name}"` : `"${name}"`,
    );
    await database.run(`COPY (SELECT user_id, ${columns.join(', ')} FROM ${source}) TO '${csv}' (FORMAT csv)`);
  });
  return { schema, ndjson, csv, parquet, ndjsonPart, parquetPart };
}

async function copyLines(from: string, to: string, lines: number): Promise<void> {
  let left = lines;
  await pipeline(
    createReadStream(from),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        let end = 0;
        while (left > 0 && end < chunk.length) {
          const at = chunk.indexOf(10, end);
          if (at < 0) end = chunk.length;
          else {
            end = at + 1;
            left -= 1;
          }
        }
        yield chunk.subarray(0, end);
        if (left === 0) return;
      }
    },
    createWriteStream(to),
  );
}
