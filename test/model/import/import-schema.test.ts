/** schema.json of an import: the origin of tokens, and each refusal with its message. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../../src/model/import/import-model.ts';
import { loadModel } from '../../../src/model/load.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type Plain, refusalOf, SCHEMA, small, writeFiles } from './import-files.ts';

const newFolder = useFolders();
const write = (bytes: Uint8Array, schema?: Plain | string) => writeFiles(newFolder(), bytes, schema);

const age = SCHEMA.features.user[0]!;
const user = (...features: object[]) => ({ features: { user: features } });

const BAD_SCHEMAS: readonly (readonly [what: string, schema: Plain | string, sentence: string])[] = [
  ['no JSON', '{', 'is not JSON'],
  ['no user feature', user(), 'features.user'],
  ['an unknown key', { ...SCHEMA, optimizer: 'sgd' }, '"optimizer"'],
  ['a feature twice', user(age, age), 'user feature "age" appears twice'],
  ['no tokens', user({ name: 'age', kind: 'single' }), 'feature "user.age" has no tokens'],
  ['a size that was not found', user({ ...age, vocabulary_size: null }), 'feature "user.age" has no tokens'],
  ['a list without its length', user({ ...age, kind: 'multi' }), 'a multi-valued feature needs a max_length'],
  [
    'a single value with a length',
    user({ ...age, max_length: 3 }),
    'a single-valued feature must not have a max_length',
  ],
  ['a single value that keeps places', user({ ...age, unknown: 'keep' }), 'only a multi-valued feature may have'],
  ['a name that is one of lengths', user({ ...age, name: 'age.length' }), 'the name ends in .length'],
  ['a name with a control character', user({ ...age, name: 'a\u0007' }), 'contains a control character'],
  ['tokens twice', user({ ...age, tokens: ['1', '2', '1'] }), 'contains "1" twice'],
  ['an empty token', user({ ...age, tokens: ['1', '', '3'] }), 'contains an empty token, but id 0 means empty'],
  ['another number of tokens', user({ ...age, tokens: ['1'] }), 'has 1 tokens, but its vocabulary_size is 4'],
  ['tokens here and there', user({ ...age, tokens: ['1'], vocabulary: 'v.json' }), 'both tokens and a vocabulary file'],
  ['a vocabulary that is not there', user({ ...age, vocabulary: 'v.json' }), 'v.json not found'],
  [
    'a vocabulary outside',
    user({ ...age, vocabulary: '../v.json' }),
    'the vocabulary "../v.json" is not in the folder',
  ],
  ['an absolute vocabulary', user({ ...age, vocabulary: '/etc/passwd' }), 'is not in the folder of the schema'],
  ['a vocabulary that is no list', user({ ...age, vocabulary: 'schema.json' }), 'schema.json is not a list of tokens'],
  ['a size without a token', user({ ...age, vocabulary_size: 1 }), 'must count id 0 and at least one token'],
  [
    'no token in a list',
    user({ name: 'age', kind: 'single', tokens: [] }),
    'is empty, but a feature needs at least one token',
  ],
  ['a vocabulary beyond memory', user({ ...age, vocabulary_size: 1e12 }), '16777216'],
  ['a rate of 0', { ...SCHEMA, adaptation: { rate: 0 } }, 'adaptation.rate'],
  ['an unknown parameter', { ...SCHEMA, fixed: ['tower'] }, 'the model has no parameter "tower"'],
  ['an unknown adapted one', { ...SCHEMA, adapted_parameters: ['tower'] }, 'the model has no parameter "tower"'],
  ['one that is both', { ...SCHEMA, adapted_parameters: ['table'], fixed: ['table'] }, 'both adapted and fixed'],
];

describe('a schema', () => {
  it.each(BAD_SCHEMAS)('of %s is refused', async (_what, schema, sentence) => {
    const files = write(small(), schema);
    const message = await refusalOf(files, 'invalid_argument');
    expect(message).toContain(`schema ${files.options.schema}: `);
    expect(message).toContain(sentence);
  });

  it('that is missing is refused', async () => {
    const files = write(small());
    const options = { ...files.options, schema: join(files.folder, 'none.json') };
    expect(await refusalOf({ ...files, options }, 'invalid_argument')).toContain('none.json not found');
  });

  it('that fixes every parameter is refused', async () => {
    expect(await refusalOf(write(small(), { ...SCHEMA, fixed: ['table'] }))).toContain(
      'the schema leaves no parameter to adapt',
    );
  });

  it('finds tokens in the file that it names, or in the one of the contract beside it', async () => {
    for (const [path, feature] of [
      ['tokens/ages.json', { name: 'age', kind: 'single', vocabulary: 'tokens/ages.json' }],
      ['vocabulary/user.age.json', { name: 'age', kind: 'single' }],
    ] as const) {
      const files = write(small(), user(feature));
      mkdirSync(join(files.folder, path, '..'), { recursive: true });
      writeFileSync(join(files.folder, path), '["young", "old", "older"]');
      const { schema } = await importModel(files.options);
      expect(schema.origins.get('user.age')).toBe('file');
      expect((await loadModel(files.options.out)).folder.vocabularies.get('user.age')?.find('older')).toBe(3);
    }
  });
});
