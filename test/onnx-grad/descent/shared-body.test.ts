/** Threads that share a body get the values that one thread computes, whoever computes each block. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptied, newSharedBody, type Tensor } from '../../../packages/onnx-grad/index.ts';
import { type HeadProgram, openHeadProgram } from '../../../packages/onnx-grad/src/descent/head-adaptation.ts';
import { sliceFeeds } from '../../../packages/onnx-grad/src/session/feed-rows.ts';
import type { Feeds } from '../../../packages/onnx-grad/src/session/session.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import type { MetaHeacConfig } from '../../../src/model/architectures/metaheac.ts';
import { randomFeeds, TINY, tinyGraph } from '../../model/tiny-model.ts';

const CONFIG: MetaHeacConfig = { ...TINY, pooling: 'root', heads: { latent: 3 } };
/** Five blocks, the last of which is not full. */
const ROWS = 4 * 2048 + 100;
const BYTES = 2 ** 26;

const graph = tinyGraph(CONFIG);
const feeds = randomFeeds(CONFIG, ROWS, 'shared');
const ofUsers = (name: string) => name.startsWith('user.');
const pick = (wanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted(name)));
const feedsOf = (from: number, to: number): Feeds => ({
  ...pick((name) => !ofUsers(name)),
  ...sliceFeeds(pick(ofUsers), from, to),
});

let programs: readonly HeadProgram[];
beforeAll(async () => {
  programs = await Promise.all([1, 2].map(() => openHeadProgram(graph, [HEADS.wide, HEADS.query, HEADS.bias])));
});
afterAll(async () => {
  for (const program of programs) await program.close();
});

/** What a boundary holds, with the bits of its numbers. */
function bitsOf({ perRow, shared }: { readonly perRow: Feeds; readonly shared: Feeds }) {
  const bits = ([name, { dtype, shape, data }]: [string, Tensor]) =>
    [name, dtype, shape, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')] as const;
  return [perRow, shared].map((part) => Object.entries(part).map(bits).sort());
}

describe('a shared body', () => {
  it('gives both threads what one computes, each block computed once', async () => {
    const alone = await programs[0]!.boundary(graph.initializers, ROWS, feedsOf);
    const body = newSharedBody(BYTES);
    const taken: number[][] = [[], []];
    const both = await Promise.all(
      programs.map((program, i) => {
        const note = (from: number, to: number) => {
          taken[i]!.push(from);
          return feedsOf(from, to);
        };
        return program.boundary(graph.initializers, ROWS, note, body);
      }),
    );
    for (const one of both) expect(bitsOf(one)).toEqual(bitsOf(alone));
    expect(taken.flat().sort((a, b) => a - b)).toEqual([0, 2048, 4096, 6144, 8192]);
    expect(taken.every((blocks) => blocks.length > 0)).toBe(true);
  });

  it('gives a thread that comes too late the same', async () => {
    const body = newSharedBody(BYTES);
    const first = await programs[0]!.boundary(graph.initializers, ROWS, feedsOf, body);
    let runs = 0;
    const count = (from: number, to: number) => {
      runs += 1;
      return feedsOf(from, to);
    };
    expect(bitsOf(await programs[1]!.boundary(graph.initializers, ROWS, count, body))).toEqual(bitsOf(first));
    expect(runs).toBe(1);
  });

  it('can be used again for fewer or more rows', async () => {
    const body = newSharedBody(BYTES);
    for (const rows of [3_000, 100, ROWS]) {
      emptied(body);
      const both = programs.map((program) => program.boundary(graph.initializers, rows, feedsOf, body));
      const alone = await programs[0]!.boundary(graph.initializers, rows, feedsOf);
      for (const one of both) expect(bitsOf(await one)).toEqual(bitsOf(alone));
    }
  });

  it('is computed alone if the other thread fails, or if the memory is too small', async () => {
    const alone = bitsOf(await programs[0]!.boundary(graph.initializers, ROWS, feedsOf));
    const body = newSharedBody(BYTES);
    const fail = (from: number): Feeds => {
      throw new Error(`no feeds from ${from} on`);
    };
    await expect(programs[0]!.boundary(graph.initializers, ROWS, fail, body)).rejects.toThrow('no feeds from 0 on');
    expect(bitsOf(await programs[1]!.boundary(graph.initializers, ROWS, feedsOf, body))).toEqual(alone);
    const small = newSharedBody(1000);
    expect(bitsOf(await programs[1]!.boundary(graph.initializers, ROWS, feedsOf, small))).toEqual(alone);
  });
});
