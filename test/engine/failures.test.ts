/** What goes wrong around an expansion becomes its reason, and the engine lives on or is started again. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readModelFolder, writeModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { encodeIds } from '../../src/storage/files/set-file.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { buildRig, freezeAt, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const folder = temporaryFolder();

describe.skipIf(!HAS_PROC)('an expansion', () => {
  it('ends with the reason that no retry would change, and is tried again for one that may pass', async () => {
    // the third attempt comes two seconds after the second: long enough to be seen in between
    const rig = await buildRig({ ...world, threads: 1, maximumAttempts: 3 });
    const versions = {
      modelVersion: readModelFolder(world.model).manifest.version,
      populationVersion: openPopulation(world.population).version,
    };
    /** Pins a campaign as an earlier service did. */
    const pin = async (change: Partial<typeof versions>) => {
      const id = await rig.create(campaign);
      const job = (await rig.store.claim('1:earlier'))!;
      await rig.store.pin(job, { ...versions, ...change });
      await rig.store.releaseOwner('1:earlier', 'stopped');
      await rig.store.claim('1:holds'); // out of the way of the next
      return id;
    };
    const otherModel = await pin({ modelVersion: 'aaaaaaaaaaaa' });
    const otherPopulation = await pin({ populationVersion: 'bbbbbbbbbbbb' });
    await rig.store.releaseOwner('1:holds', 'stopped');
    // The store counted all as known: the population may have been another then.
    const strangers = (
      await rig.store.create(
        {
          name: 'strangers',
          features: campaign.features,
          featureCounts: { unknown: 0, missing: 0 },
          seeds: [...Array.from({ length: 20 }, (_, i) => `stranger-${i}`), ...campaign.seeds.slice(0, 3)],
          audience: { size: 1 },
        },
        () => true,
      )
    ).id;
    // by the API, this filter and this rule are refused together
    const known = openPopulation(world.population);
    const feature = known.features.find(({ kind }) => kind === 'single')!.name;
    const tokens = [1, 2].map((code) => known.dictionary(feature).token(code));
    const ungrouped = (
      await rig.store.create(
        {
          name: 'ungrouped',
          features: campaign.features,
          featureCounts: { unknown: 0, missing: 0 },
          seeds: campaign.seeds,
          audience: { size: 1 },
          filters: { [feature]: tokens },
          fourFifths: feature,
        },
        () => true,
      )
    ).id;
    const blocked = await rig.create(campaign);
    writeFileSync(join(rig.dataDir, 'audiences'), 'a file where a folder should be');
    await rig.supervisor.start();

    expect(await rig.ended(otherModel)).toMatchObject({
      state: 'failed',
      reason: { code: 'model_unavailable', model_version: 'aaaaaaaaaaaa' },
    });
    expect(await rig.ended(otherPopulation)).toMatchObject({
      state: 'failed',
      reason: { code: 'population_unavailable', population_version: 'bbbbbbbbbbbb' },
    });
    expect(await rig.ended(strangers)).toMatchObject({
      state: 'too_small',
      reason: { code: 'too_few_seeds', known: 3, minimum: 10 },
    });
    const refused = await rig.ended(ungrouped);
    expect(refused).toMatchObject({ state: 'failed', audienceVersion: null, reason: { code: 'excluded_filter' } });
    expect(refused.reason!.message).toContain(`users must not be filtered by "${feature}"`);

    await expect
      .poll(() => rig.store.get(blocked), { interval: 5, timeout: 20_000 })
      .toMatchObject({ state: 'queued', reason: { code: 'storage_failed' } });
    const failed = await rig.ended(blocked);
    expect(failed).toMatchObject({
      state: 'failed',
      audienceVersion: null,
      reason: { code: 'storage_failed', errno: 'ENOTDIR' },
    });
    expect(failed.reason!.message).not.toContain(rig.dataDir);

    rmSync(join(rig.dataDir, 'audiences'));
    expect(await rig.ended(await rig.create(campaign))).toMatchObject({ state: 'ready', audienceVersion: 1 });

    process.kill(rig.engine(), 'SIGSTOP'); // or it might read the seeds first
    const altered = await rig.create(world.campaigns[1]!);
    writeFileSync(seedFile(rig.dataDir), 'someone-else\n');
    process.kill(rig.engine(), 'SIGCONT');
    expect(await rig.ended(altered)).toMatchObject({ state: 'failed', reason: { code: 'storage_failed' } });
    expect(rig.supervisor.state).toMatchObject({ ready: true, restarts: 0 });
  });
});

describe.skipIf(!HAS_PROC)('EngineSupervisor', () => {
  it('throws what the first engine refuses, and starts no other', async () => {
    // Sound as files: only a thread, which scores the golden batch, can refuse it.
    const { manifest, read, vocabularies } = readModelFolder(world.model);
    const { contract_version: _, version: __, files: ___, ...rest } = manifest;
    const { inputs, scores } = manifest.golden_batch;
    const model = join(folder, 'model');
    writeModelFolder(model, {
      manifest: { ...rest, golden_batch: { inputs, scores: scores.map((score) => score + 0.01) } },
      files: new Map([['model.onnx', read('model.onnx')]]),
      vocabularies: new Map([...vocabularies].map(([name, { tokens }]) => [name, tokens])),
    });
    const rig = await buildRig({ ...world, model });
    const refusal = { name: 'AppError', code: 'invalid_model', message: expect.stringContaining('golden batch') };
    await expect(rig.supervisor.start()).rejects.toMatchObject(refusal);
    expect(rig.supervisor.state).toMatchObject({ ready: false, restarts: 1, detail: refusal.message });
    expect(() => rig.engine()).toThrow('no engine runs');
  });

  it('is refused when the model folder holds another version than the one that is served', async () => {
    const rig = await buildRig({ ...world, modelVersion: 'aaaaaaaaaaaa' });
    const message = expect.stringContaining('but aaaaaaaaaaaa is served');
    await expect(rig.supervisor.start()).rejects.toMatchObject({ code: 'invalid_model', message });
  });

  it('gets a new engine when a thread of the old one dies, and its job is done once', async () => {
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `--import=${fileURLToPath(new URL('./children/end-thread.mjs', import.meta.url))}`;
    const rig = await startRig({ ...world, threads: 2 }).finally(() => {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    });
    const undisturbed = await rig.create(campaign);
    await rig.ended(undisturbed);
    const engine = rig.engine();
    const id = await freezeAt(rig, 'adapting', campaign);
    process.kill(engine, 'SIGUSR2');
    process.kill(engine, 'SIGCONT');
    expect(await rig.ended(id)).toMatchObject({ state: 'ready', audienceVersion: 1 });
    expect(rig.supervisor.state.restarts).toBe(1);
    expect(rig.engine()).not.toBe(engine);
    expect(digestOf(await rig.folderOf(id))).toBe(digestOf(await rig.folderOf(undisturbed)));
  });
});

/** The file of the second campaign's seeds. */
function seedFile(dataDir: string): string {
  const wanted = encodeIds([...world.campaigns[1]!.seeds].sort());
  const files = readdirSync(join(dataDir, 'seeds')).map((name) => join(dataDir, 'seeds', name));
  return files.find((file) => readFileSync(file).equals(wanted))!;
}
