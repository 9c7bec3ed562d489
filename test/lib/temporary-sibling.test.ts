/** Temporary siblings: each has one writer, and leftovers of killed writers are removed, whatever their process id. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { claimSibling, removeAbandonedSiblings, withSibling } from '../../src/lib/files/temporary-sibling.ts';
import { useFolders } from '../fixture/folders.ts';
import { describeInNamespaces, runInNamespace } from '../fixture/namespaces.ts';

const CHILD = new URL('./children/sibling-child.ts', import.meta.url);
const newFolder = useFolders();

describe('a temporary sibling', () => {
  it('is made with its parent folders, and nothing of it is left', () => {
    const folder = newFolder();
    const target = join(folder, 'on', 'the way', 'file');
    const result = withSibling(target, 'write it', ({ path }) => {
      writeFileSync(path, 'half');
      return 7;
    });
    expect(result).toBe(7);
    expect(readdirSync(join(folder, 'on', 'the way'))).toEqual([]);
    const failing = () =>
      withSibling(target, 'write it', ({ path, aside }) => {
        mkdirSync(path);
        mkdirSync(aside);
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(readdirSync(join(folder, 'on', 'the way'))).toEqual([]);
  });

  it('belongs to one writer, also within a process', () => {
    const target = join(newFolder(), 'file');
    const first = claimSibling(target, 'write it');
    writeFileSync(first.path, 'first');
    const second = claimSibling(target, 'write it');
    expect(second.path).not.toBe(first.path);
    expect(readFileSync(first.path, 'utf8')).toBe('first');
    second.release();
    expect(readFileSync(first.path, 'utf8')).toBe('first');
    first.release();
  });

  it('leaves files alone that only begin with the same name', () => {
    const folder = newFolder();
    const others = ['file.writing-123', 'file.writing-x.lock', 'file', 'files.writing-2'];
    for (const name of others) writeFileSync(join(folder, name), '');
    withSibling(join(folder, 'file'), 'write it', () => {});
    expect(readdirSync(folder).sort()).toEqual([...others].sort());
  });

  it('does not make the folder if the caller says so, because the folder may have been removed meanwhile', () => {
    const folder = join(newFolder(), 'removed');
    const failing = () => withSibling(join(folder, 'file'), 'write it', () => {}, { createsFolder: false });
    expect(failing).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(existsSync(folder)).toBe(false);
  });

  it("is removed with its folder's others once their writers are gone", () => {
    const folder = newFolder();
    const running = claimSibling(join(folder, 'one'), 'write it');
    writeFileSync(running.path, 'half');
    const killed = join(folder, 'other.writing-00000000-0000-4000-8000-000000000000');
    for (const path of [killed, `${killed}.lock`, join(folder, 'other')]) writeFileSync(path, '');
    removeAbandonedSiblings(folder);
    expect(readdirSync(folder).sort()).toEqual(
      ['other', basename(running.path), `${basename(running.path)}.lock`].sort(),
    );
    running.release();
  });

  it('says what failed, with the cause', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => claimSibling(join(folder, 'file', 'inside'), 'write the file inside')).toThrow(
      expect.objectContaining({
        code: 'storage_failed',
        message: expect.stringMatching(/^cannot write the file inside: /),
        cause: expect.objectContaining({ code: 'ENOTDIR' }),
      }),
    );
  });
});

describeInNamespaces('temporary siblings of writers with equal process ids', () => {
  /** A half-written file whose writer, process 1 in its namespace, is still running. */
  async function begin(target: string, what: 'writes' | 'replaces') {
    const { child, ended } = runInNamespace(CHILD, [target, what]);
    let said = '';
    child.stdout!.on('data', (data: Buffer) => (said += data));
    while (!said.includes('\n')) await Promise.race([sleep(10), ended.then(({ errors }) => expect.fail(errors))]);
    const [pid, ...path] = said.trim().split(' ');
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    return { pid, path: path.join(' '), kill };
  }

  it('stay while their writer lives, and are removed by the next writer after its end', {
    timeout: 60_000,
  }, async () => {
    const folder = newFolder();
    const target = join(folder, 'model');
    const [one, other] = await Promise.all([begin(target, 'writes'), begin(target, 'writes')]);
    expect([one.pid, other.pid]).toEqual(['1', '1']);
    expect(readFileSync(join(one.path, 'half'), 'utf8')).toBe('written');
    await one.kill();
    withSibling(target, 'write it', () => {});
    expect([existsSync(one.path), existsSync(join(other.path, 'half'))]).toEqual([false, true]);
    await other.kill();
    withSibling(target, 'write it', () => {});
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are restored if a writer was killed after moving the old one aside', async () => {
    const folder = newFolder();
    const target = join(folder, 'model');
    mkdirSync(target);
    writeFileSync(join(target, 'whole'), 'as it was');
    const { kill } = await begin(target, 'replaces');
    expect(existsSync(target)).toBe(false);
    await kill();
    withSibling(target, 'write it', () => {});
    expect(readdirSync(folder)).toEqual(['model']);
    expect(readFileSync(join(target, 'whole'), 'utf8')).toBe('as it was');
  });
});
