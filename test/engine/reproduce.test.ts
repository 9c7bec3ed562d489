/** Receipts: rankings made again from them with another data folder, and the script that verifies them offline. */
import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/domain/receipts.ts';
import { type GivenInputs, reproduce } from '../../src/engine/reproduce.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { openPopulation } from '../../src/population/read.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const folder = temporaryFolder();
const fileOf = (name: string, ids: readonly string[]) => {
  const path = join(folder, name);
  writeFileSync(path, ids.join('\n'));
  return path;
};
const seeds = fileOf('seeds.txt', campaign.seeds.toReversed());
const common = { model: world.model, population: world.population, threads: 1, device: 'cpu' };
const given: GivenInputs = { ...common, sets: new Map([['seeds', seeds]]) };
const namesOf = async (receipt: Receipt, change: Partial<GivenInputs>) =>
  (await reproduce(receipt, { ...given, ...change })).map(({ name }) => name);

describe('reproduce', () => {
  let receipt: Receipt;
  let key = '';

  it('makes the same bytes from the same inputs', { timeout: 60_000 }, async () => {
    const rig = await startRig(world);
    const id = await rig.create(campaign);
    await rig.ended(id);
    receipt = await rig.store.receipts.receiptOf(id, 1);
    key = (await rig.store.receipts.key()).publicKey;
    await rig.supervisor.stop();
    expect(await reproduce(receipt, given)).toEqual([]);
  });

  it('has receipts that a script without dependencies verifies, with their seeds and model', () => {
    const verify = (signed: Receipt, seedFile: string) => {
      const files = ['--key', fileOf('key.pem', [key]), '--seeds', seedFile];
      const model = ['--model', join(world.model, 'manifest.json')];
      const script = join(ROOT, 'scripts/verify-receipt.mjs');
      const path = fileOf('receipt.json', [JSON.stringify(signed)]);
      const { status, stdout } = spawnSync(process.execPath, [script, path, ...files, ...model], { encoding: 'utf8' });
      return [status, stdout.match(/DIFFERS +\w+/g)?.map((line) => line.split(' ').at(-1)) ?? []];
    };
    expect(verify(receipt, seeds)).toEqual([0, []]);
    expect(verify(receipt, fileOf('fewer.txt', campaign.seeds.slice(1)))).toEqual([4, ['seeds']]);
    expect(verify({ ...receipt, candidates: receipt.candidates + 1 }, seeds)).toEqual([4, ['signature']]);
  });

  it('names each file of the ranking that differs', { timeout: 60_000 }, async () => {
    const outputs = { ...receipt.outputs, order: '0'.repeat(64) };
    expect((await reproduce({ ...receipt, outputs }, given)).map(({ name }) => name)).toEqual(['order']);
  });

  it('names seeds, lists, features and filters that differ, without ranking', async () => {
    const fewer = fileOf('fewer.txt', campaign.seeds.slice(1));
    expect(await namesOf(receipt, { sets: new Map([['seeds', fewer]]) })).toEqual(['seeds']);
    const more = new Map([...given.sets, ['suppression', fewer]]);
    expect(await namesOf(receipt, { sets: more })).toEqual(['suppression']);
    expect(await namesOf(receipt, { campaign: { filters: { country: ['DE'] } } })).toEqual(['filters']);
    await expect(namesOf(receipt, { sets: new Map([['sheds', seeds]]) })).rejects.toThrow('no set "sheds"');
  });

  it('names another model and another population', async () => {
    const { inputs } = receipt;
    const model = { version: '000000000000', sha256: '0'.repeat(64) };
    expect(await namesOf({ ...receipt, inputs: { ...inputs, model } }, {})).toEqual(['model']);
    expect(await namesOf(receipt, { population: world.wide })).toEqual(['population']);
  });

  it('says that users were erased, which cannot be undone', async () => {
    const population = join(folder, 'population');
    cpSync(world.population, population, { recursive: true });
    await eraseUsers(population, [campaign.seeds[0]!], openPopulation(population));
    const [difference] = await reproduce(receipt, { ...given, population });
    expect(difference).toMatchObject({ name: 'erased users', expected: expect.stringContaining('"users":0') });
    expect(difference!.found).toContain('"users":1');
  });
});
