/** Model folders as files: written and read back, versions, and every refusal with its sentence. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFolder, stageModelFolder, type UnversionedModel, writeModelFolder } from '../../src/model/folder.ts';
import { useFolders } from '../fixture/folders.ts';
import {
  changeManifest,
  type PlainManifest,
  readPlainManifest,
  replaceFile,
  tinyGraph,
  unversionedModel,
  versionAsPublished,
  writeTinyModel,
} from './tiny-model.ts';

const newFolder = useFolders();

/** The message of the invalid_model error that reading `path` gives. */
function refusalOf(path: string): string {
  try {
    readModelFolder(path);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_model' });
    expect((error as Error).message).toContain(`model ${path}: `);
    return (error as Error).message;
  }
  return expect.fail('the folder is not refused');
}

describe('writeModelFolder', () => {
  it('writes a folder that reads back equal', async () => {
    const path = join(newFolder(), 'made', 'on the way', 'model');
    const unversioned = await unversionedModel(tinyGraph());
    const manifest = writeModelFolder(path, unversioned);
    const folder = readModelFolder(path);
    expect(folder.manifest).toEqual(manifest);
    expect(manifest).toMatchObject(unversioned.manifest);
    expect(Object.keys(manifest.files)).toEqual([
      'model.onnx',
      'vocabulary/campaign.topic.json',
      'vocabulary/campaign.words.json',
      'vocabulary/user.age.json',
      'vocabulary/user.tags.json',
    ]);
    expect(Buffer.from(folder.read('model.onnx')).equals(Buffer.from(unversioned.files.get('model.onnx')!))).toBe(true);
    for (const [name, tokens] of unversioned.vocabularies) {
      expect(folder.vocabularies.get(name)!.tokens).toEqual(tokens);
      expect(tokens.map((token) => folder.vocabularies.get(name)!.find(token))).toEqual(tokens.map((_, i) => i + 1));
    }
    expect(() => folder.read('other.bin')).toThrow(/the manifest does not list other\.bin/);
  });

  it('keeps drift, which older folders do not have, and refuses invalid drift', async () => {
    const unversioned = await unversionedModel(tinyGraph());
    const measure = { kept: 0.8, spread: 0.1, quantile: 1.7 };
    const drift = {
      data: 'log',
      campaigns: 36,
      from: '2026-01-01T00:00:00.000Z',
      until: '2026-06-30T00:00:00.000Z',
      by_seeds: [{ seeds: 50, campaigns: 36, recall: measure, auc: measure }],
    };
    const [plain, dated] = [join(newFolder(), 'model'), join(newFolder(), 'model')];
    writeModelFolder(plain, unversioned);
    writeModelFolder(dated, { ...unversioned, manifest: { ...unversioned.manifest, drift } });
    expect(readModelFolder(dated).manifest.drift).toEqual(drift);
    expect(Object.keys(readModelFolder(plain).manifest)).not.toContain('drift');
    expect(readModelFolder(dated).manifest.version).not.toBe(readModelFolder(plain).manifest.version);
    changeManifest(dated, (manifest) => {
      manifest['drift'] = { ...drift, by_seeds: [] };
    });
    expect(refusalOf(dated)).toContain('drift');
  });

  it('accepts a path that ends in a slash', async () => {
    const path = join(newFolder(), 'model');
    const unversioned = await unversionedModel(tinyGraph());
    writeModelFolder(`${path}/`, unversioned);
    writeModelFolder(`${path}/`, unversioned);
    expect(readdirSync(join(path, '..'))).toEqual(['model']);
    expect(readdirSync(path).sort()).toEqual(['manifest.json', 'model.onnx', 'vocabulary']);
  });

  it('replaces an existing folder whole and leaves nothing else', async () => {
    const root = newFolder();
    const path = join(root, 'model');
    mkdirSync(path);
    writeFileSync(join(path, 'stale'), 'x');
    const { version } = await writeTinyModel(path);
    expect(readModelFolder(path).manifest.version).toBe(version);
    expect(existsSync(join(path, 'stale'))).toBe(false);
    expect(readdirSync(root)).toEqual(['model']);
  });

  it('can be written by two processes at once: the last one wins', async () => {
    const root = newFolder();
    const path = join(root, 'model');
    const unversioned = await unversionedModel(tinyGraph());
    const first = stageModelFolder(path, unversioned);
    const second = stageModelFolder(path, unversioned);
    expect(first.path).not.toBe(second.path);
    const { version } = first.manifest;
    first.publish();
    expect(readModelFolder(second.path).manifest.version).toBe(version);
    second.publish();
    expect(readModelFolder(path).manifest.version).toBe(version);
    expect(readdirSync(root)).toEqual(['model']);
  });

  it('reports that it cannot write, with the cause, and leaves nothing behind', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'file'), '');
    const writing = writeTinyModel(join(root, 'file', 'model'));
    await expect(writing).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('cannot write the model folder'),
      cause: { code: 'ENOTDIR' },
    });
    expect(readdirSync(root)).toEqual(['file']);
  });

  it('keeps feature names that are not file names inside the folder', async () => {
    const path = join(newFolder(), 'model');
    const rename = (unversioned: UnversionedModel): Partial<UnversionedModel> => ({
      manifest: {
        ...unversioned.manifest,
        features: { user: [{ name: '../a b/ü', kind: 'single', vocabulary_size: 3 }], campaign: [] },
      },
      vocabularies: new Map([['user.../a b/ü', ['x', 'y']]]),
    });
    await writeTinyModel(path, rename);
    expect(readdirSync(join(path, 'vocabulary'))).toEqual(['user...%2Fa%20b%2F%C3%BC.json']);
    expect(readModelFolder(path).vocabularies.get('user.../a b/ü')!.find('y')).toBe(2);
  });
});

describe('the version', () => {
  const versionWith = async (change: (unversioned: UnversionedModel) => Partial<UnversionedModel>): Promise<string> =>
    (await writeTinyModel(join(newFolder(), 'model'), change)).version;

  it('is 12 hex digits of the sha256 of the sorted manifest without version and created', async () => {
    const path = join(newFolder(), 'model');
    const { version } = await writeTinyModel(path);
    expect(version).toMatch(/^[0-9a-f]{12}$/);
    expect(versionAsPublished(readPlainManifest(path))).toBe(version);
  });

  it('is the same at another time', async () => {
    const base = await versionWith(() => ({}));
    expect(
      await versionWith(({ manifest }) => ({ manifest: { ...manifest, created: '2027-01-01T00:00:00.000Z' } })),
    ).toBe(base);
  });

  it.each<[string, (unversioned: UnversionedModel) => Partial<UnversionedModel>]>([
    ['the name', ({ manifest }) => ({ manifest: { ...manifest, name: 'other' } })],
    ['the weights', ({ files }) => ({ files: new Map([...files, ['model.onnx', Uint8Array.of(1)]]) })],
    [
      'a token',
      ({ vocabularies }) => ({ vocabularies: new Map([...vocabularies, ['user.age', ['a', 'b', 'c', 'd']]]) }),
    ],
  ])('changes with %s', async (_, change) => {
    expect(await versionWith(change)).not.toBe(await versionWith(() => ({})));
  });
});

describe('readModelFolder refuses', () => {
  it.each<[string, (path: string) => void, string]>([
    ['a missing folder', (path) => rmSync(path, { recursive: true }), 'not found'],
    ['a folder without a manifest', () => {}, 'the folder contains no manifest.json'],
    [
      'a file instead of the folder',
      (path) => {
        rmSync(path, { recursive: true });
        writeFileSync(path, '');
      },
      'the path is not a folder',
    ],
    [
      'a manifest that cannot be read',
      (path) => mkdirSync(join(path, 'manifest.json')),
      'manifest.json cannot be read: EISDIR',
    ],
    ...['null', '[]', '{}'].map((text): [string, (path: string) => void, string] => [
      `${text} as a manifest`,
      (path) => writeFileSync(join(path, 'manifest.json'), text),
      'manifest.json is not valid: ',
    ]),
    [
      'a newer contract, before anything else',
      (path) => writeFileSync(join(path, 'manifest.json'), JSON.stringify({ contract_version: 2, whatever: true })),
      'the model has contract version 2, but this program supports 1: use a newer metaheac',
    ],
  ])('%s', (_, make, sentence) => {
    const path = newFolder();
    make(path);
    expect(refusalOf(path)).toContain(sentence);
  });

  it.each<[string, (path: string) => void, string]>([
    [
      'a torn manifest',
      (path) => truncateSync(join(path, 'manifest.json'), 200),
      'manifest.json is not JSON (truncated?)',
    ],
    [
      'a truncated model.onnx',
      (path) => truncateSync(join(path, 'model.onnx'), 100),
      'model.onnx does not match the manifest',
    ],
    [
      'a file that is missing',
      (path) => rmSync(join(path, 'vocabulary/user.tags.json')),
      'vocabulary/user.tags.json is missing',
    ],
    [
      'a folder instead of a file',
      (path) => {
        rmSync(join(path, 'model.onnx'));
        mkdirSync(join(path, 'model.onnx'));
      },
      'model.onnx cannot be read: EISDIR',
    ],
  ])('%s', async (_, harm, sentence) => {
    const path = newFolder();
    await writeTinyModel(path);
    harm(path);
    expect(refusalOf(path)).toContain(sentence);
  });

  it.each<[string, (manifest: PlainManifest) => void, string]>([
    ['an unknown field', (manifest) => Object.assign(manifest, { surprise: 1 }), '"surprise"'],
    ['a missing field', (manifest) => void delete (manifest as Partial<PlainManifest>).golden_batch, 'golden_batch'],
    [
      'a field of the wrong type',
      ({ features }) => Object.assign(features.user[0]!, { vocabulary_size: 'five' }),
      'features.user[0].vocabulary_size',
    ],
    [
      'a multi-valued feature without a maximum length',
      ({ features }) => void delete features.user[1]!['max_length'],
      'features.user[1].max_length',
    ],
    [
      'two features with the same name',
      ({ features }) => void features.user.push({ ...features.user[0]! }),
      'user feature "age" appears twice',
    ],
    ...['model.onnx', 'vocabulary/user.age.json'].map((file): [string, (manifest: PlainManifest) => void, string] => [
      `a manifest that does not list ${file}`,
      ({ files }) => void delete files[file],
      `the manifest does not list ${file}`,
    ]),
    ...['../outside', '/etc/hostname', 'vocabulary/../../outside', '..'].map(
      (file): [string, (manifest: PlainManifest) => void, string] => [
        `the path ${file}, without reading it`,
        ({ files }) => Object.assign(files, { [file]: 'a'.repeat(64) }),
        `the file name "${file}" points outside the folder`,
      ],
    ),
  ])('%s', async (_, change, sentence) => {
    const path = newFolder();
    await writeTinyModel(path);
    changeManifest(path, change);
    expect(refusalOf(path)).toContain(sentence);
  });

  it('a manifest that was altered', async () => {
    const path = newFolder();
    const { version } = await writeTinyModel(path);
    changeManifest(path, (manifest) => Object.assign(manifest, { name: 'other' }), false);
    const now = versionAsPublished(readPlainManifest(path));
    expect(refusalOf(path)).toContain(`the manifest was altered: its version should be ${now}, not ${version}`);
  });

  it.each(['model.onnx', 'vocabulary/user.age.json', 'vocabulary/campaign.topic.json'])(
    '%s when one byte differs',
    async (file) => {
      const path = newFolder();
      await writeTinyModel(path);
      const bytes = readFileSync(join(path, file));
      bytes[bytes.length - 3]! ^= 1;
      writeFileSync(join(path, file), bytes);
      expect(refusalOf(path)).toMatch(
        new RegExp(
          `: ${file.replaceAll('.', '\\.')} does not match the manifest: sha256 .*, not .* \\(damaged or altered\\)`,
        ),
      );
    },
  );

  it.each([
    ['["a", "b", "a", "d"]', 'contains a token twice'],
    ['["a", "b", "", "d"]', 'contains an empty token, but id 0 means empty'],
    ['["a", "b", "c"]', 'has 3 tokens, but the manifest says 4'],
    ['["a", "b", "c", 4]', 'is not a list of tokens'],
    ['{"a": 1}', 'is not a list of tokens'],
    ['["a", "b"', 'is not JSON'],
  ])('the vocabulary %s', async (text, sentence) => {
    const path = newFolder();
    await writeTinyModel(path);
    replaceFile(path, 'vocabulary/user.age.json', text);
    expect(refusalOf(path)).toContain(`vocabulary/user.age.json ${sentence}`);
  });
});
