import { describe, expect, it } from 'vitest';
import { divide, type Profile } from './profile.ts';

const node = (id: number, url: string, children: number[] = [], functionName = 'f') => {
  return { id, callFrame: { functionName, url }, children };
};

describe('the profile of an engine', () => {
  it('divides the processor time by the innermost frame that tells what is done', () => {
    const profile: Profile = {
      nodes: [
        node(1, '', [2, 6, 7, 9], '(root)'),
        node(2, 'file:///app/src/engine/ranges/range-worker.ts', [3, 5]),
        // the store calls its driver, which calls Node
        node(3, 'file:///app/src/storage/postgres/campaigns/ranges.ts', [4]),
        node(4, 'node:net'),
        node(5, 'file:///app/node_modules/@smithy/core/index.js'),
        node(6, '', [], '(idle)'),
        node(7, 'node:events', [8]),
        node(8, 'file:///app/src/audience/parts/merge-parts.ts'),
        node(9, 'node:internal/stream_base_commons'),
      ],
      samples: [4, 5, 6, 8, 9, 2],
      timeDeltas: [100, 200, 5000, 300, 100, 300],
    };
    const { database, storage, merge, native, other, idle } = divide(profile, 2);
    expect({ database, storage, merge, native, other, idle }).toEqual({
      ...{ database: 0.2, storage: 0.4, merge: 0.6, native: 0.2, other: 0.6, idle: 0 },
    });
  });

  it('has no time of a thread that was always idle', () => {
    const nodes = [node(1, '', [], '(idle)')];
    expect(divide({ nodes, samples: [1], timeDeltas: [9] }, 1)).toMatchObject({ idle: 0, other: 0 });
  });
});
