/** Receipts: rankings made again from them with another data folder, and the script that verifies them offline. */
import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConsentBasis } from '../../src/domain/consent.ts';
import type { Receipt } from '../../src/domain/receipts.ts';
import { RowNames, type SetOwner } from '../../src/domain/user-sets.ts';
import { type GivenInputs, reproduce } from '../../src/engine/reproduce.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { valuesOf } from '../fixture/user-values.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const { features, seeds } = world.campaigns[0]!;
const folder = temporaryFolder();
const fileOf = (name: string, lines: readonly string[]) => {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n'));
  return path;
};

/** A campaign with every kind of input. Weights and features, as in the files that `reproduce` reads, follow a tab. */
const others = world.userIds.filter((userId) => !seeds.includes(userId));
const known = openPopulation(world.population);
const names = new RowNames();
const ROWS = valuesOf(
  known,
  [70, 71, 71, 72].map((i) => others[i]!),
).map((values, i) => [i === 0 ? 'a customer' : names.name(values), i === 3 ? 1 : 2.5, values].join('\t'));
const SETS = {
  seeds: [...seeds.map((userId, i) => `${userId}\t${1 + (i % 3)}`), 'a user of tomorrow', ...ROWS],
  negatives: others.slice(0, 20),
  suppression: others.slice(20, 40),
  common_suppression: others.slice(35, 60),
  positives: others.slice(60, 65),
  dismissed: others.slice(65, 70),
} as const;
const BASES: Readonly<Record<string, ConsentBasis>> = { seeds: 'consent', common_suppression: 'legal_obligation' };
const FEATURE = known.features.find(({ kind }) => kind === 'single')!.name;
const TOKENS = [1, 2].map((code) => known.dictionary(FEATURE).token(code));
const FILTERS = { [FEATURE]: TOKENS };

const files = Object.entries(SETS).map(([name, lines]) => [name, fileOf(`${name}.txt`, lines.toReversed())] as const);
/** The seeds as they may have been uploaded. */
const uploaded = fileOf(
  'uploaded.ndjson',
  SETS.seeds.map((line) => {
    const [userId, weight, values] = line.split('\t') as [string, string?, string?];
    if (weight === undefined) return JSON.stringify(userId);
    const user_id = userId.startsWith('row:') ? undefined : userId;
    return JSON.stringify({ user_id, weight: Number(weight), ...(values && { features: JSON.parse(values) }) });
  }),
);
/** As in another clone: a population of its own, imported from the same data. */
const population = join(folder, 'population');
await importPopulation({ source: world.data, features: known.features, out: population });
const given: GivenInputs = { model: world.model, population, threads: 1, device: 'cpu', sets: new Map(files) };

async function makeReceipt(): Promise<{ readonly receipt: Receipt; readonly publicKey: string }> {
  const { store, supervisor, ended } = await startRig(world);
  const { id } = await store.create(
    {
      ...{ name: 'test', externalId: 'shoes', features, featureCounts: { unknown: 0, missing: 0 }, filters: FILTERS },
      ...{ negativeWeight: 3, audience: { size: 50 }, holdoutPercent: 10 },
      cuts: [{ name: 'second', unit: 'size', from: 11, to: 20 }],
    },
    () => true,
  );
  const event = (kind: 'click' | 'dismissal') => (userId: string) => ({ userId, event: kind, happenedAt: 1 });
  await store.addFeedback(id, [...SETS.positives.map(event('click')), ...SETS.dismissed.map(event('dismissal'))]);
  const upload = async (owner: SetOwner) => {
    const collected = store.userSets.collect();
    const lines = SETS[owner.kind].map((line) => line.split('\t') as [string, string?, string?]);
    for (const [userId, weight = '1', values] of lines) collected.add(userId, Number(weight), values);
    const consentBasis = BASES[owner.kind];
    const everyone = { version: 'any', has: () => true };
    await store.userSets.change(owner, 'replace', collected, everyone, 1_000_000, { consentBasis });
    collected.close();
  };
  await upload({ kind: 'common_suppression' });
  for (const kind of ['seeds', 'negatives', 'suppression'] as const) await upload({ kind, campaignId: id });
  await store.expand(id);
  supervisor.wake();
  await ended(id);
  return { receipt: await store.receipts.receiptOf(id, 1), publicKey: (await store.receipts.key()).publicKey };
}

describe('reproduce', () => {
  let receipt: Receipt;
  let publicKey = '';
  const namesOf = async (change: Partial<GivenInputs>) =>
    (await reproduce(receipt, { ...given, ...change })).map(({ name }) => name);

  it('makes the same bytes from the same inputs of all kinds', { timeout: 60_000 }, async () => {
    ({ receipt, publicKey } = await makeReceipt());
    expect(Object.keys(receipt.inputs.sets).sort()).toEqual(Object.keys(SETS).sort());
    expect(receipt.consent_bases).toEqual(BASES);
    expect(await reproduce(receipt, given)).toEqual([]);
  });

  const set = (name: string, lines: readonly string[] | null) => () => {
    const sets = new Map(given.sets);
    if (lines === null) sets.delete(name);
    else sets.set(name, fileOf('other.txt', lines));
    return { sets };
  };
  const variant = () => {
    const model = join(folder, 'variant');
    writeVariant(world.model, model, () => ({ name: 'other' }));
    return { model };
  };
  it.each<[string, string, () => Partial<GivenInputs>]>([
    ['another weight of a seed', 'seeds', set('seeds', [`${seeds[0]}\t9`, ...SETS.seeds.slice(1)])],
    ['seeds without their weights', 'seeds', set('seeds', [...seeds, 'a user of tomorrow'])],
    ['another unknown seed', 'seeds', set('seeds', [...SETS.seeds.slice(0, -1), 'a user of yesterday'])],
    ['no negatives', 'negatives', set('negatives', null)],
    ['one negative more', 'negatives', set('negatives', [...SETS.negatives, others[70]!])],
    ['another suppression list', 'suppression', set('suppression', SETS.negatives)],
    ["another suppression list of the installation's", 'common_suppression', set('common_suppression', [])],
    ['other positive feedback', 'positives', set('positives', SETS.positives.slice(1))],
    ['no dismissals', 'dismissed', set('dismissed', null)],
    ['another weight of negatives', 'negative_weight', () => ({ campaign: { negative_weight: 1 } })],
    ['a feature for the four-fifths rule', 'four_fifths', () => ({ campaign: { four_fifths: FEATURE } })],
    ['another filter', 'filters', () => ({ campaign: { filters: { [FEATURE]: TOKENS.slice(1) } } })],
    ['other features', 'features', () => ({ campaign: { features: world.campaigns[1]!.features } })],
    ['another external id', 'external_id', () => ({ campaign: { external_id: null } })],
    ['another model', 'model', variant],
    ['another population', 'population', () => ({ population: world.wide })],
  ])('names %s without ranking: %s differs', async (_, name, change) => {
    expect(await namesOf(change())).toEqual([name]);
  });

  it('reads an upload of seeds, and so does the script', async () => {
    expect(
      await namesOf({ sets: new Map([...given.sets, ['seeds', uploaded]]), campaign: { external_id: null } }),
    ).toEqual(['external_id']);
    const wrong = fileOf('wrong.ndjson', ['"a"', '{"features":{}}']);
    await expect(namesOf({ sets: new Map([['seeds', wrong]]) })).rejects.toThrow(
      /wrong.ndjson:2: the feature .* absent/,
    );
  });

  it.each(['null', '7'])('refuses a line %s of an upload, and names it', async (line) => {
    const wrong = fileOf('wrong.ndjson', ['"a"', line]);
    await expect(namesOf({ sets: new Map([['seeds', wrong]]) })).rejects.toThrow(/wrong.ndjson:2: a user id or/);
  });

  it('refuses a set that receipts do not have', async () => {
    await expect(namesOf({ sets: new Map([['sheds', given.sets.get('seeds')!]]) })).rejects.toThrow('no set "sheds"');
  });

  it('names each file of the ranking that differs', { timeout: 60_000 }, async () => {
    const outputs = { ...receipt.outputs, order: '0'.repeat(64) };
    expect((await reproduce({ ...receipt, outputs }, given)).map(({ name }) => name)).toEqual(['order']);
  });

  it('says that users were erased, which cannot be undone', async () => {
    const own = join(folder, 'erased');
    cpSync(population, own, { recursive: true });
    await eraseUsers(own, [seeds[0]!], openPopulation(own));
    const [difference, ...none] = await reproduce(receipt, { ...given, population: own });
    expect(difference).toMatchObject({ name: 'erased users', expected: expect.stringContaining('"users":0') });
    expect(difference!.found).toContain('"users":1');
    expect(none).toEqual([]);
  });

  it('has receipts that a script without dependencies verifies, with their sets and model', () => {
    const verify = (signed: Receipt, seedFile: string) => {
      const sets = files.slice(1).flatMap(([name, file]) => ['--set', `${name}=${file}`]);
      const own = ['--key', fileOf('key.pem', [publicKey]), '--seeds', seedFile, ...sets];
      const model = ['--model', join(world.model, 'manifest.json')];
      const script = join(ROOT, 'scripts/verify-receipt.mjs');
      const path = fileOf('receipt.json', [JSON.stringify(signed)]);
      const { status, stdout } = spawnSync(process.execPath, [script, path, ...own, ...model], { encoding: 'utf8' });
      return [status, stdout.match(/DIFFERS +\w+/g)?.map((line) => line.split(' ').at(-1)) ?? []];
    };
    const seedFile = given.sets.get('seeds')!;
    expect(verify(receipt, seedFile)).toEqual([0, []]);
    expect(verify(receipt, uploaded)).toEqual([0, []]);
    expect(verify(receipt, fileOf('fewer.txt', SETS.seeds.slice(1)))).toEqual([4, ['seeds']]);
    expect(verify({ ...receipt, candidates: receipt.candidates + 1 }, seedFile)).toEqual([4, ['signature']]);
  });
});
