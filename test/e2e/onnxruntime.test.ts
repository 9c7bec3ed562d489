/** ONNX Runtime is in the engine's process alone: a session blocks its thread, and its memory stays with the process. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

/** Whether a process, with all its threads, has mapped the native library. */
const hasOnnxRuntime = (pid: number): boolean => readFileSync(`/proc/${pid}/maps`, 'utf8').includes('libonnxruntime');

describe.skipIf(!HAS_PROC)('serve', () => {
  it('never loads ONNX Runtime into the API process, whatever is asked of an expansion', {
    timeout: 120_000,
  }, async () => {
    const world = await tinyWorld();
    const [campaign] = world.campaigns;
    const served = await Served.start({ ...world, dataDir: temporaryFolder() });
    const { id, state } = await served.ended(await served.create(campaign!));
    expect(state).toBe('ready');
    // what reads models in threads of the API process
    const { status: estimated } = await served.call('POST', '/v1/estimates', {
      features: campaign!.features,
      seeds: campaign!.seeds,
    });
    const { status: explained } = await served.call('GET', `/v1/campaigns/${id}/explanation`);
    const { status: exported } = await served.call('GET', `/v1/campaigns/${id}/model`);
    expect([estimated, explained, exported]).toEqual([200, 200, 200]);
    expect([hasOnnxRuntime(served.api), hasOnnxRuntime(served.engine)]).toEqual([false, true]);
  });
});
