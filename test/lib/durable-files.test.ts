/** Files that are complete or missing, and operating system errors in words. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import {
  createClosedFolder,
  linkDurably,
  replaceDurably,
  replaceFolder,
  storageError,
  withStorage,
  writeDurably,
} from '../../src/lib/files/durable-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const read = (path: string): string => readFileSync(path, 'utf8');

describe('createClosedFolder', () => {
  const othersMay = (path: string) => statSync(path).mode & 0o7;

  it('closes the folder to other users, but not its parents or an existing folder', () => {
    const path = join(folder, 'a', 'b');
    createClosedFolder(path);
    expect([othersMay(path), othersMay(join(folder, 'a'))]).toEqual([0, 0o5]);
    chmodSync(path, 0o755);
    createClosedFolder(path);
    expect(othersMay(path)).toBe(0o5);
    writeFileSync(join(folder, 'file'), '');
    expect(() => createClosedFolder(join(folder, 'file'))).toThrow('EEXIST');
  });
});

describe('writeDurably', () => {
  it('writes the bytes of any view, and only those', () => {
    const numbers = Int32Array.from([1, 2, 3, 4]);
    writeDurably(join(folder, 'file'), numbers.subarray(1, 3));
    expect(new Int32Array(new Uint8Array(readFileSync(join(folder, 'file'))).buffer)).toEqual(Int32Array.from([2, 3]));
  });

  it('refuses an existing file, unless told to overwrite it', () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'a longer old text');
    expect(() => writeDurably(path, Buffer.from('new'))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    writeDurably(path, Buffer.from('new'), 'w');
    expect(read(path)).toBe('new');
  });
});

describe('linkDurably', () => {
  it('gives a file a second name, and refuses one that is taken', () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    writeFileSync(from, 'bytes');
    linkDurably(from, to);
    expect(statSync(to).ino).toBe(statSync(from).ino);
    expect(() => linkDurably(from, to)).toThrow('EEXIST');
    expect(() => linkDurably(join(folder, 'none'), join(folder, 'other'))).toThrow('ENOENT');
  });

  it.skipIf(!existsSync('/dev/shm'))('copies a file that cannot have one', () => {
    const elsewhere = mkdtempSync('/dev/shm/metaheac-tests-');
    try {
      const [from, to] = [join(folder, 'from'), join(elsewhere, 'to')];
      writeFileSync(from, 'bytes');
      linkDurably(from, to);
      expect(read(to)).toBe('bytes');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});

describe('replaceDurably', () => {
  it('makes a file, replaces it, and overwrites what a killed writer left', () => {
    const path = join(folder, 'file');
    for (const text of ['first', 'second']) {
      writeFileSync(`${path}.tmp`, 'torn, and longer than what comes');
      replaceDurably(path, Buffer.from(text), `${path}.tmp`);
      expect([read(path), readdirSync(folder)]).toEqual([text, ['file']]);
    }
  });

  it('leaves the old one, and nothing else, when it fails', () => {
    const path = join(folder, 'file');
    mkdirSync(path);
    expect(() => replaceDurably(path, Buffer.from('new'), `${path}.tmp`)).toThrow(
      expect.objectContaining({ syscall: 'rename' }),
    );
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('replaceFolder', () => {
  const make = (name: string, text: string): string => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), text);
    return join(folder, name);
  };

  it('creates a folder, and replaces one that contains files', () => {
    for (const text of ['first', 'second']) {
      replaceFolder(make('fresh', text), join(folder, 'place'), join(folder, 'aside'));
      expect([read(join(folder, 'place', 'file')), readdirSync(folder)]).toEqual([text, ['place']]);
    }
  });

  it('puts the old one back if the new one cannot replace it', () => {
    make('place', 'old');
    expect(() => replaceFolder(join(folder, 'nowhere'), join(folder, 'place'), join(folder, 'aside'))).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
    expect([read(join(folder, 'place', 'file')), existsSync(join(folder, 'aside'))]).toEqual(['old', false]);
  });
});

describe('withStorage', () => {
  it('makes an operating system error storage_failed, with the action, the errno and the cause', () => {
    const path = join(folder, 'none');
    expect(() => withStorage('read the thing', () => read(path))).toThrow(
      expect.objectContaining({
        name: 'AppError',
        code: 'storage_failed',
        message: expect.stringMatching(/^cannot read the thing: ENOENT/),
        facts: { errno: 'ENOENT' },
        cause: expect.objectContaining({ syscall: 'open' }),
      }),
    );
    expect(withStorage('nothing', () => 1)).toBe(1);
  });

  it('leaves errors of other kinds as they are', () => {
    for (const error of [new TypeError('a bug'), new AppError('invalid_data', 'x'), 'a string', undefined])
      expect(storageError('do', error)).toBe(error);
  });
});
