/**
 * Thousands of damaged model files: each is refused by a GraphError, or read, typed and differentiated, without a
 * crash, a hang or unbounded memory.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import type { FuzzMessage, FuzzSummary } from './children/fuzz.ts';
import { writeSeeds } from './fuzz-seeds.ts';

const SEED = 'fuzz 1';
const FILES = size(1500, 3000);
/** CPU time for one file. */
const MAXIMUM_MS = 2000;
const MAXIMUM_RSS_BYTES = 1e9;
/** If fifty files take longer than this, one hangs; generous, as the machine may be busy. */
const SILENCE_MS = 60_000;

const folder = temporaryFolder();

/** Runs the child, and ends it if it reports nothing for too long. */
async function fuzz(): Promise<FuzzSummary> {
  const child = fork(join(import.meta.dirname, 'children', 'fuzz.ts'), [folder, SEED, String(FILES)], { execArgv: [] });
  let last = 0;
  let summary: FuzzSummary | null = null;
  let timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
  child.on('message', (message: FuzzMessage) => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
    if ('file' in message) last = message.file;
    else summary = message;
  });
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  if (summary === null)
    throw new Error(`ended with ${code ?? signal} among the files ${last} to ${last + 49} of "${SEED}"`);
  return summary;
}

describe('a damaged file', () => {
  it('is refused with a message or accepted, within limits of time and memory', { timeout: 300_000 }, async () => {
    const seeds = writeSeeds(folder);
    const start = performance.now();
    const summary = await fuzz();
    const { files, refused, underivable, taken, crashes, slowestMs, slowest, largestRssBytes } = summary;
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(
      `fuzz: ${files} files, spoiled from ${seeds} with seed "${SEED}", in ${seconds.toFixed(1)} s: ` +
        `${refused} refused, ${underivable} read but not differentiable, ${taken} taken; ${crashes.length} ` +
        `crashes, slowest ${slowestMs.toFixed(0)} ms (file ${slowest}), at most ` +
        `${(largestRssBytes / 1e6).toFixed(0)} MB\n`,
    );
    expect(crashes).toEqual([]);
    expect(refused + underivable + taken).toBe(FILES);
    expect(slowestMs).toBeLessThan(MAXIMUM_MS);
    expect(largestRssBytes).toBeLessThan(MAXIMUM_RSS_BYTES);
    // damaged enough to be refused, but not so much that no file gets far
    expect(refused).toBeGreaterThan(FILES / 4);
    expect(taken + underivable).toBeGreaterThan(FILES / 20);
  });
});
