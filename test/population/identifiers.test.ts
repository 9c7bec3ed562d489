/** Identifiers of users in a population: import, update, look-up, and each refusal. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identifierId, type RuleName } from '../../src/domain/identities.ts';
import { gatherTexts } from '../../src/lib/text/text-table.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { importPopulation } from '../../src/population/import/import.ts';
import { openPopulation, prepareVersion } from '../../src/population/read/population.ts';
import { succeed } from '../../src/population/read/succession.ts';
import { schemaOfFeatures, type UpdateFilesOptions, updateFiles } from '../../src/population/update/update-files.ts';
import { useFolders } from '../fixture/folders.ts';
import { FEATURES, refusalOf, toLines, USERS, writeDataSet } from './support.ts';

const newFolder = useFolders();
const HEADER = 'user_id,type,rule,value';
const idOf = (value: string, type = 'email', rule: RuleName = 'uid2') =>
  identifierId(value, { type, rule, isHashed: false, countryCode: null })!;

function csv(...lines: string[]): string {
  const path = join(newFolder(), 'identifiers.csv');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const MAPPING = [
  `${HEADER},hashed`,
  'anna,email,uid2,Anna.A@gmail.com,',
  'anna,email,uid2,anna@example.com,false',
  'anna,phone,meta,+1 650 555 1212,',
  'anna,maid,sha256,ABC-1,',
  `bob,email,liveramp-md5,${'ab'.repeat(16)},true`,
  'bob,custom:shop-1,sha256,4711,',
  'nobody,email,uid2,nobody@example.com,',
];

async function importWith(lines: readonly string[], out = newFolder()) {
  const source = writeDataSet(newFolder(), USERS);
  const result = await importPopulation({ source, features: FEATURES, out, identifierFiles: [csv(...lines)] });
  return { out, result };
}

function update(population: string, options: Partial<UpdateFilesOptions>) {
  const schema: UpdateFilesOptions['schema'] = (features) => schemaOfFeatures(features, new Map());
  return updateFiles({ population, schema, changed: [], deleted: [], ...options });
}

/** The ids of the users whom a version finds by these ids; null for none. */
function foundBy(out: string, ...ids: string[]): (string | null)[] {
  const { directory, rowOf } = openPopulation(out);
  const numbers = [...directory.findAll(gatherTexts(ids))];
  expect(numbers).toEqual(ids.map((id) => directory.find(id)));
  return numbers.map((number) => (number < 0 || rowOf[number]! < 0 ? null : directory.id(number)));
}

describe('an import with identifiers', () => {
  it('finds users by each identifier, and by none of another rule', async () => {
    const { out, result } = await importWith(MAPPING);
    expect(result).toMatchObject({
      identifiers: [
        { label: 'custom:shop-1:sha256', count: 1, users: 1 },
        { label: 'email:liveramp-md5', count: 1, users: 1 },
        { label: 'email:uid2', count: 2, users: 1 },
        { label: 'maid:sha256', count: 1, users: 1 },
        { label: 'phone:meta', count: 1, users: 1 },
      ],
      unknownIdentifiers: 1,
    });
    const uid2 = idOf('annaa+work@gmail.com');
    expect(foundBy(out, uid2, idOf('ANNA@example.com'), idOf('16505551212', 'phone', 'meta'))).toEqual(
      Array(3).fill('anna'),
    );
    expect(foundBy(out, idOf('abc-1', 'maid', 'sha256'), `email:liveramp-md5:${'ab'.repeat(16)}`, 'bob')).toEqual([
      'anna',
      'bob',
      'bob',
    ]);
    expect(foundBy(out, idOf('4711', 'custom:shop-1', 'sha256'))).toEqual(['bob']);
    const others = [idOf('anna@example.com', 'email', 'adcp'), idOf('+16505551212', 'phone', 'uid2')];
    const malformed = [`${uid2}=`, uid2.slice(0, -1), `${uid2.slice(0, -2)}!=`, 'email:uid2:', 'email:uid2'];
    expect(foundBy(out, ...others, ...malformed, idOf('nobody@example.com')).every((id) => id === null)).toBe(true);
  });

  it('finds each of many users', async () => {
    const many = Array.from({ length: 3_000 }, (_, i) => ({ user_id: `u${i}`, city: 'Rome', likes: [] }));
    const source = writeDataSet(newFolder(), many);
    const out = newFolder();
    const lines = many.map(({ user_id: id }) => `${id},email,${Number(id.slice(1)) % 2 ? 'uid2' : 'adcp'},${id}@b.c`);
    const identifierFiles = [csv(HEADER, ...lines)];
    await importPopulation({ source, features: FEATURES, out, identifierFiles });
    const ids = many.map(({ user_id: id }) => idOf(`${id}@b.c`, 'email', Number(id.slice(1)) % 2 ? 'uid2' : 'adcp'));
    expect(foundBy(out, ...ids)).toEqual(many.map(({ user_id: id }) => id));
    const population = openPopulation(out);
    const [adcp, uid2] = population.identifiers;
    expect([adcp!.hashOf(0), adcp!.hashOf(1), uid2!.idsOf(1)]).toEqual([ids[0]!.slice(11), null, [ids[1]]]);
    expect(population.directory.idsOf(ids[1]!)).toEqual(['u1', ids[1]]);
  });

  it('finds hashes that begin with the same bytes, and the lowest and the highest', async () => {
    const hashes = ['00', '01', 'fe', 'ff'].flatMap((last) => [
      `${'00'.repeat(31)}${last}`,
      `${'ff'.repeat(31)}${last}`,
    ]);
    const { out } = await importWith([`${HEADER},hashed`, ...hashes.map((hash) => `anna,email,adcp,${hash},true`)]);
    const ids = hashes.map((hash) => `email:adcp:${hash}`);
    expect(foundBy(out, ...ids)).toEqual(ids.map(() => 'anna'));
    expect(foundBy(out, `email:adcp:${'00'.repeat(31)}02`, `email:adcp:${'ff'.repeat(31)}fd`)).toEqual([null, null]);
  });

  it('names a version by them, and versions without them as before', async () => {
    const { version } = (await importWith(MAPPING)).result;
    expect((await importWith(MAPPING)).result.version).toBe(version);
    const plain = (await importWith([HEADER])).result;
    const source = writeDataSet(newFolder(), USERS);
    const none = await importPopulation({ source, features: FEATURES, out: newFolder() });
    expect([plain.version === none.version, plain.version === version]).toEqual([true, false]);
  });

  it('leaves no plain identifier on disk', async () => {
    const { out } = await importWith(MAPPING);
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1').toLowerCase());
    for (const plain of ['anna.a', 'annaa', 'anna@', '6505551212', 'abc-1'])
      expect(texts.filter((text) => text.includes(plain))).toEqual([]);
  });

  it.each([
    [['anna,email,uid2,secret.person'], /identifiers\.csv:2: the value is not an identifier/],
    [['anna,secret.person,uid2,a@b.c'], /:2: the type is not email/],
    [['anna,phone,secret.person,a@b.c'], /:2: the rule of the type phone is not one of adcp, meta/],
    [
      ['anna,email,uid2,a@b.c', 'bob,email,uid2,A@b.c'],
      /users "anna" and "bob" have the same identifier of type email/,
    ],
    [['anna,email,uid2'], /:2: the row has 3 fields/],
  ])('is refused with %j', async (lines, message) => {
    const error = await refusalOf(() => importWith([HEADER, ...lines]));
    expect([error.code, error.message]).toEqual(['invalid_data', expect.stringMatching(message)]);
    expect(JSON.stringify(error)).not.toContain('secret.person');
  });

  it('is refused without a column', async () => {
    const error = await refusalOf(() => importWith(['user_id,type,value', 'anna,email,a@b.c']));
    expect(error.message).toMatch(/:1: the header lacks the column "rule"/);
  });
});

describe('an update', () => {
  it('keeps the identifiers of users who stay, and drops those of deleted users', async () => {
    const { out } = await importWith(MAPPING);
    const ids = join(newFolder(), 'deleted.txt');
    writeFileSync(ids, 'bob\n');
    const { version } = await update(out, { deleted: [ids] });
    expect(foundBy(out, idOf('anna@example.com'), idOf('4711', 'custom:shop-1', 'sha256'))).toEqual(['anna', null]);
    const labels = openPopulation(out, { version }).identifiers.map(({ label }) => label);
    expect(labels).toEqual(['email:uid2', 'maid:sha256', 'phone:meta']);
  });

  it('replaces the identifiers of users in its files by label, and moves an identifier to its new user', async () => {
    const { out, result } = await importWith(MAPPING);
    const changed = join(newFolder(), 'changed.ndjson');
    writeFileSync(changed, toLines([{ user_id: 'emil', city: 'Rome', likes: [] }]));
    const files = [
      csv(HEADER, 'dan,email,uid2,anna@example.com', 'anna,phone,meta,+442071234567', 'emil,email,uid2,e@x.y'),
    ];
    await update(out, { changed: [changed], identifierFiles: files });
    const phones = ['16505551212', '442071234567'].map((phone) => idOf(phone, 'phone', 'meta'));
    const emails = ['anna@example.com', 'annaa@gmail.com', 'e@x.y'].map((value) => idOf(value));
    expect(foundBy(out, ...phones, ...emails)).toEqual([null, 'anna', 'dan', 'anna', 'emil']);
    const again = await update(out, { identifierFiles: files });
    expect([again.version === again.before, again.version === result.version]).toEqual([true, false]);
  });

  it('drops the identifiers of erased users, and an erased identifier does not return', async () => {
    const { out } = await importWith(MAPPING);
    const [anna, bob] = [idOf('anna@example.com'), `email:liveramp-md5:${'ab'.repeat(16)}`];
    await eraseUsers(out, ['bob', idOf('lost@example.com')], openPopulation(out));
    expect(foundBy(out, anna, bob)).toEqual(['anna', null]);
    const { erasedIdentifiers } = await update(out, {
      identifierFiles: [csv(HEADER, 'dan,email,uid2,lost@example.com')],
    });
    expect([erasedIdentifiers, ...foundBy(out, anna, bob, idOf('lost@example.com'))]).toEqual([1, 'anna', null, null]);
    expect(openPopulation(out).identifiers.map(({ label }) => label)).toEqual([
      'email:uid2',
      'maid:sha256',
      'phone:meta',
    ]);
  });
});

describe('a version with identifiers', () => {
  it('opens with what another thread prepared, and finds by its own identifiers after a larger version', async () => {
    const { out, result } = await importWith(MAPPING);
    const first = openPopulation(out, { prepared: prepareVersion(out, result.version) });
    const changed = join(newFolder(), 'changed.ndjson');
    writeFileSync(changed, toLines([{ user_id: 'emil', city: 'Rome', likes: [] }]));
    await update(out, { changed: [changed], identifierFiles: [csv(HEADER, 'emil,email,uid2,anna@example.com')] });
    const second = openPopulation(out, { erasures: first.erasures });
    const owner = ({ directory }: typeof first) => directory.id(directory.find(idOf('anna@example.com')));
    const back = succeed(first, succeed(second, first));
    expect([owner(first), owner(second), owner(back), back.directory.size]).toEqual(['anna', 'emil', 'anna', 5]);
  });

  it('is refused if a file of identifiers was altered', async () => {
    const { out, result } = await importWith(MAPPING);
    const path = join(out, result.version, 'identifiers-email-uid2.bin');
    const bytes = readFileSync(path);
    bytes[3]! ^= 1;
    writeFileSync(path, bytes);
    expect((await refusalOf(() => openPopulation(out))).message).toContain(`${path} was altered`);
  });
});
