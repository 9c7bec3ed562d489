/** Receipts: rankings made again from them with another data folder, and the script that verifies them offline. */
import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConsentBasis } from '../../src/domain/consent.ts';
import { identifierId } from '../../src/domain/identities.ts';
import type { Receipt } from '../../src/domain/receipts.ts';
import { RowNames, type SetOwner } from '../../src/domain/user-sets.ts';
import { type GivenInputs, reproduce } from '../../src/engine/reproduce.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { ROOT } from '../architecture/files.ts';
import { metaheac } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { valuesOf } from '../fixture/user-values.ts';
import { makeLabelledData } from './ranges/updated-population.ts';
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
const EMAIL = { type: 'email', rule: 'uid2', isHashed: false, countryCode: null } as const;
const EMAILS = others.slice(20, 40).map((userId) => `${userId}@example.com`);
const otherRow = ROWS.at(-1)!.replace(/"device":"\w+"/, '"device":null');
const SETS = {
  seeds: [...seeds.map((userId, i) => `${userId}\t${1 + (i % 3)}`), 'a user of tomorrow', ...ROWS],
  negatives: others.slice(0, 20),
  suppression: EMAILS.map((email) => identifierId(email, EMAIL)!),
  common_suppression: others.slice(35, 60),
  positives: others.slice(60, 65),
  dismissed: others.slice(65, 70),
} as const;
const BASES: Readonly<Record<string, ConsentBasis>> = { seeds: 'consent', common_suppression: 'legal_obligation' };
const GROUPS = 'age_band';
const FEATURE = known.features.find(({ kind, name }) => kind === 'single' && !['city', GROUPS].includes(name))!.name;
const TOKENS = [1, 2].map((code) => known.dictionary(FEATURE).token(code));
const FILTERS = { [FEATURE]: TOKENS };

const linesOf = (lines: readonly string[]) => lines.toReversed().map((line) => (/\t/.test(line) ? line : `${line}\t`));
const files = Object.entries(SETS).map(([name, lines]) => [name, fileOf(`${name}.txt`, linesOf(lines))] as const);
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
const identifiers = fileOf('identifiers.csv', [
  'user_id,type,rule,value',
  ...EMAILS.map((email) => `${email.split('@')[0]},email,uid2,${email}`),
]);
/** The population of the engine, and one as in another clone, imported from the same data. */
const [served, population] = ['served', 'population'].map((name) => join(folder, name)) as [string, string];
const source = makeLabelledData(world.data);
for (const out of [served, population])
  await importPopulation({ source, features: known.features, out, identifierFiles: [identifiers] });
const given: GivenInputs = { model: world.model, population, threads: 1, device: 'cpu', sets: new Map(files) };

const CAMPAIGN = { external_id: 'shoes', features, negative_weight: 3, four_fifths: GROUPS };

async function makeReceipt(): Promise<{ readonly receipt: Receipt; readonly publicKey: string }> {
  const { store, supervisor, ended } = await startRig({ ...world, population: served });
  const { id } = await store.create(
    {
      ...{ name: 'test', externalId: 'shoes', features, featureCounts: { unknown: 0, missing: 0 }, filters: FILTERS },
      ...{ negativeWeight: 3, audience: { size: 50 }, holdoutPercent: 10, category: 'housing', fourFifths: GROUPS },
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
    expect(receipt.inputs.excluded).toEqual({
      category: 'housing',
      features: ['age_band'],
      campaigns: ['campaign-001'],
    });
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
  const otherPopulation = () => ({ population: world.wide, sets: new Map([...given.sets, ['seeds', uploaded]]) });
  it.each<[string, string, () => Partial<GivenInputs>]>([
    ['another weight of a seed', 'seeds', set('seeds', [`${seeds[0]}\t9`, ...SETS.seeds.slice(1)])],
    ['seeds without their weights', 'seeds', set('seeds', [...seeds, 'a user of tomorrow'])],
    ['another unknown seed', 'seeds', set('seeds', [...SETS.seeds.slice(0, -1), 'a user of yesterday'])],
    ['no negatives', 'negatives', set('negatives', null)],
    ['one negative more', 'negatives', set('negatives', [...SETS.negatives, others[70]!])],
    ['another suppression list', 'suppression', set('suppression', SETS.negatives)],
    ['another global suppression list', 'common_suppression', set('common_suppression', [])],
    ['other positive feedback', 'positives', set('positives', SETS.positives.slice(1))],
    ['no dismissals', 'dismissed', set('dismissed', null)],
    ['another weight of negatives', 'negative_weight', () => ({ campaign: { negative_weight: 1 } })],
    ['another feature of a seed', 'seeds', set('seeds', [...SETS.seeds.slice(0, -1), otherRow])],
    ['plain identifiers', 'suppression', set('suppression', EMAILS)],
    ['another category', 'category', () => ({ campaign: { category: 'employment' } })],
    ['a category without labels', 'category', () => ({ campaign: { category: 'political' } })],
    ['no category', 'category', () => ({ campaign: { category: null } })],
    ['another feature for the four-fifths rule', 'four_fifths', () => ({ campaign: { four_fifths: FEATURE } })],
    ['no four-fifths rule', 'four_fifths', () => ({ campaign: { four_fifths: null } })],
    ['another filter', 'filters', () => ({ campaign: { filters: { [FEATURE]: TOKENS.slice(1) } } })],
    ['other features', 'features', () => ({ campaign: { features: world.campaigns[1]!.features } })],
    ['another external id', 'external_id', () => ({ campaign: { external_id: null } })],
    ['another model', 'model', variant],
    ['another population, whose seeds have other features', 'population', otherPopulation],
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

  it('refuses a file in another form instead of comparing it', async () => {
    const csv = fileOf('seeds.csv', ['user_id,weight', ...SETS.seeds]);
    await expect(namesOf({ sets: new Map([['seeds', csv]]) })).rejects.toThrow(/seeds.csv: text with one user id/);
  });

  it('ignores the order of the tokens of filters', async () => {
    const filters = { [FEATURE]: [...TOKENS, ...TOKENS].toReversed() };
    expect(await namesOf({ campaign: { filters, external_id: null } })).toEqual(['external_id']);
  });

  it('refuses a set that receipts do not have', async () => {
    await expect(namesOf({ sets: new Map([['sheds', given.sets.get('seeds')!]]) })).rejects.toThrow('no set "sheds"');
  });

  it('names each file of the ranking that differs', { timeout: 60_000 }, async () => {
    const outputs = { ...receipt.outputs, order: '0'.repeat(64) };
    expect((await reproduce({ ...receipt, outputs }, given)).map(({ name }) => name)).toEqual(['order']);
  });

  it('lists the differences by field on the command line', async () => {
    const campaign = { ...CAMPAIGN, name: 'other', category: null, filters: { [FEATURE]: [TOKENS[1]] } };
    const options = ['--model', world.model, '--population', population, '--device', 'cpu'];
    const sets = files.slice(1).flatMap(([name, file]) => ['--set', `${name}=${file}`]);
    const { status, stdout } = await metaheac(
      ...['reproduce', fileOf('receipt.json', [JSON.stringify(receipt)]), ...options, ...sets],
      ...['--seeds', given.sets.get('seeds')!, '--campaign', fileOf('own.json', [JSON.stringify(campaign)])],
    );
    expect([status, stdout.trimEnd().split('\n')]).toEqual([
      4,
      [
        'These inputs differ from the receipt, so the ranking was not made again:',
        ...[`filters.${FEATURE}`, `  receipt  ${JSON.stringify([...TOKENS].sort())}`, `  found    ["${TOKENS[1]}"]`],
        ...['category', '  receipt  "housing"', '  found    none'],
      ],
    ]);
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
    const verify = (signed: object, seedFile: string) => {
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
    expect(verify(receipt, fileOf('seeds.csv', SETS.seeds))).toEqual([2, []]);
    expect(verify(receipt, fileOf('fewer.txt', SETS.seeds.slice(1)))).toEqual([4, ['seeds']]);
    expect(verify({ ...receipt, candidates: receipt.candidates + 1 }, seedFile)).toEqual([4, ['signature']]);
    const { signature, ...statement } = receipt;
    const resigned = (part: object) => verify({ ...statement, signature: { ...signature, ...part } }, seedFile);
    expect(resigned({ key_id: '0'.repeat(16) })).toEqual([4, ['signature']]);
    for (const part of [{ algorithm: 'none' }, { value: `${signature.value}=` }, { value: 7 }, { extra: 1 }])
      expect(resigned(part)).toEqual([4, ['signature']]);
    expect(verify(statement, seedFile)).toEqual([4, ['signature']]);
    for (const other of [{ ...receipt, format: 'metaheac-receipt/2' }, []])
      expect(verify(other, seedFile)).toEqual([2, []]);
  });
});
