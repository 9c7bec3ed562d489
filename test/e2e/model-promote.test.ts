/** `metaheac model promote | list | rollback` as people run them, with a running service and without one. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { readServedModels } from '../../src/model/versions.ts';
import { metaheacWith } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { ROOT } from '../fixture/served.ts';
import { startReadyService } from '../fixture/start-service.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();
const dataDir = join(folder, 'data-dir');
const models = join(dataDir, 'models');
const first = readModelFolder(world.model).manifest.version;
const KEY = 'a key of the tests';
const paths = { second: join(folder, 'second'), golden: join(folder, 'golden'), foreign: join(folder, 'foreign') };
const versions = { second: '', foreign: '' };
let service: Awaited<ReturnType<typeof start>>;

beforeAll(async () => {
  versions.second = writeVariant(world.model, paths.second, () => ({ name: 'second' }));
  // whole, and of features that the population does not have
  const [onnx, schema] = [join(ROOT, 'test/golden/deepfm-opset17/model.onnx'), join(folder, 'schema.json')];
  writeFileSync(schema, (await metaheac(['import', onnx, '--infer'])).stdout);
  await metaheac(['import', onnx, '--schema', schema, '--out', paths.foreign]);
  versions.foreign = readModelFolder(paths.foreign).manifest.version;
  writeVariant(world.model, paths.golden, ({ golden_batch }) => ({
    golden_batch: { ...golden_batch, scores: golden_batch.scores.map((score) => score / 2) },
  }));
  service = await start();
}, 120_000);
afterAll(async () => {
  await service.close();
});

const start = () => startReadyService({ dataDir, model: world.model, population: world.population, apiKey: KEY });

const metaheac = (args: readonly string[]) => metaheacWith({ METAHEAC_API_KEY: KEY }, 'model', ...args);

const promote = (path: string, ...more: string[]) =>
  metaheac(['promote', path, '--data-dir', dataDir, '--url', service.url, ...more]);

async function expandOne(): Promise<string> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const { features, seeds } = world.campaigns[0]!;
  const body = JSON.stringify({ name: 'compared', features, seeds, audience: { percent: 10 } });
  const response = await fetch(`${service.url}/v1/campaigns`, { method: 'POST', headers, body });
  const { id } = (await response.json()) as { readonly id: string };
  const stateOf = async () => {
    const campaign = await (await fetch(`${service.url}/v1/campaigns/${id}`, { headers })).json();
    return (campaign as { readonly state: string }).state;
  };
  await expect.poll(stateOf, { timeout: 120_000 }).toBe('ready');
  return id;
}

describe('beside a running service', { timeout: 180_000 }, () => {
  it('list shows the served model, and a rollback finds no earlier model', async () => {
    const listed = await metaheac(['list', '--url', service.url]);
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    expect(listed.stdout).toMatch(new RegExp(`^\\* ${first}  \\S+Z  \\S+\\n$`));
    const back = await metaheac(['rollback', '--url', service.url]);
    expect([back.status, back.stdout]).toEqual([1, '']);
    expect(back.stderr).toMatch(/^metaheac: the service refused \(409\): nothing_to_roll_back: .*\n$/);
  });

  it('promote exits with 3 if the service refuses the model, and with 1 if the model is damaged', async () => {
    const foreign = await promote(paths.foreign);
    expect([foreign.status, foreign.stderr]).toEqual([3, '']);
    expect(foreign.stdout).toMatch(
      /^the promotion was refused and nothing has changed: model .* \(model_rejected\)\n$/,
    );
    const json = await promote(paths.foreign, '--json');
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      3,
      { version: versions.foreign, served: false, refusal: expect.stringContaining('model_rejected') },
    ]);
    const golden = await promote(paths.golden);
    expect([golden.status, golden.stdout]).toEqual([1, '']);
    expect(golden.stderr).toMatch(/^metaheac: model \S+golden: .*golden batch.*\n$/);
    expect(existsSync(join(models, 'served.json'))).toBe(false);
  });

  it('promote compares and switches, list and rollback follow, and a second promote changes nothing', async () => {
    const id = await expandOne();
    const promoted = await promote(paths.second);
    expect(promoted.status).toBe(0);
    const lines = promoted.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      new RegExp(`^campaign ${id}: overlap [01]\\.\\d{3} at 1 %, [01]\\.\\d{3} at 5 %, [01]\\.\\d{3} at 10 %$`),
    );
    expect(lines[1]).toMatch(/^ {2}served predicted AUC \S+, recall@5% \S+, /);
    expect(lines[2]).toMatch(/^ {2}new {4}predicted AUC \S+, recall@5% \S+, /);
    expect(lines[3]).toBe(`model ${versions.second} is served in place of ${first}`);
    expect((await promote(paths.second)).stdout).toMatch(/is served/);

    const listed = JSON.parse((await metaheac(['list', '--url', service.url, '--json'])).stdout);
    expect(listed.items[0]).toMatchObject({ version: versions.second, served: true });
    expect(listed.items.map(({ version }: { version: string }) => version)).toContain(first);

    const wrong = await metaheac(['rollback', '--url', service.url, '--from', first]);
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining(`model ${first} is not served`)]);
    const back = await metaheac(['rollback', '--url', service.url]);
    expect([back.status, back.stdout]).toEqual([0, `model ${first} is served in place of ${versions.second}\n`]);
  });
});

describe('without a service', { timeout: 120_000 }, () => {
  it('promote prepares the folder, and the next service serves the model', async () => {
    await service.close();
    const promoted = await metaheac(['promote', paths.second, '--data-dir', dataDir]);
    expect([promoted.status, promoted.stderr]).toEqual([0, '']);
    expect(promoted.stdout).toMatch(
      new RegExp(`^model ${versions.second} is in .*: a service on .* will serve it after its next restart`),
    );
    expect(readServedModels(models)?.history.at(-1)?.version).toBe(versions.second);
    expect(readdirSync(models).filter((name) => name.includes('copying'))).toEqual([]);
    service = await start();
    expect((await metaheac(['list', '--url', service.url])).stdout).toMatch(new RegExp(`^\\* ${versions.second} `));
  });
});
