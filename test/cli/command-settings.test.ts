/** Commands besides `serve` take their settings as it does: from a flag, a variable and a configuration file. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOMAIN_LIMITS } from '../../src/domain/limits.ts';
import { withDataFolder } from '../../src/service/data-folder.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { metaheac, metaheacWith } from './in-process.ts';

const folder = temporaryFolder();
const KEY = 'planted-secret-0123';
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const keyFile = file('key', `${KEY}\n`);

describe('model list', () => {
  const authorizations: (string | undefined)[] = [];
  const service = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.setHeader('content-type', 'application/json');
    response.end('{"items":[]}');
  });
  let url: string;
  beforeAll(async () => {
    await once(service.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  });
  afterAll(() => void service.close());

  it.each([
    ['a variable', { METAHEAC_API_KEY: KEY }, []],
    ['the variable of a file', { METAHEAC_API_KEY_FILE: keyFile }, []],
    ['the flag of a file', {}, ['--api-key-file', keyFile]],
    ['a configuration file', { METAHEAC_CONFIG: file('key.yaml', 'api_key_file: key\n') }, []],
    ['the flag of a configuration file', {}, ['--config', file('own.yaml', `api_key: ${KEY}\n`)]],
  ])('takes the key of the service from %s', async (_source, env, flags) => {
    const { status, stderr } = await metaheacWith(env, 'model', 'list', '--url', url, ...flags);
    expect([status, stderr]).toEqual([0, '']);
    expect(authorizations.at(-1)).toBe(`Bearer ${KEY}`);
  });
});

describe('a data folder', () => {
  const dataDir = join(folder, 'data');

  it('is an argument, a flag, a variable or a key of the configuration file', async () => {
    const config = file('data.yaml', 'data_dir: data\n');
    const made = [
      await metaheac('keys', 'create', dataDir, '--name', 'one'),
      await metaheac('keys', 'create', '--data-dir', dataDir, '--name', 'two'),
      await metaheacWith({ METAHEAC_DATA_DIR: dataDir }, 'keys', 'create', '--name', 'three'),
      await metaheac('keys', 'create', '--config', config, '--name', 'four'),
    ];
    expect(made.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const { stdout } = await metaheac('keys', 'list', '--data-dir', dataDir, '--json');
    const { keys } = JSON.parse(stdout) as { readonly keys: readonly { readonly id: string; readonly name: string }[] };
    expect(keys.map(({ name }) => name).sort()).toEqual(['four', 'one', 'three', 'two']);
    const [first, second] = keys.map(({ id }) => id);
    expect(await metaheac('keys', 'revoke', dataDir, first!)).toMatchObject({
      status: 0,
      stdout: `revoked ${first}\n`,
    });
    expect(await metaheac('keys', 'revoke', '--data-dir', dataDir, second!)).toMatchObject({ status: 0 });
    const audit = (await metaheac('audit', '--data-dir', dataDir)).stdout.trim().split('\n');
    expect(audit.map((line) => (JSON.parse(line) as { action: string }).action).slice(-2)).toEqual([
      'revokeKey',
      'revokeKey',
    ]);
    expect((await metaheac('verify', '--data-dir', dataDir)).stdout).toContain('all intact');
  });

  it.each([
    ['none', ['keys', 'list'], 'name the data folder: --data-dir, METAHEAC_DATA_DIR, or data_dir'],
    ['two', ['keys', 'list', 'a', '--data-dir', 'b'], 'two data folders are given, a and b'],
  ])('is a usage error where there are %s', async (_what, args, message) => {
    const { status, stderr } = await metaheac(...args);
    expect(stderr).toContain(`metaheac: ${message}`);
    expect(status).toBe(2);
  });

  it('has no more keys than the service would make', async () => {
    const full = join(folder, 'full');
    const [left, most] = [1, DOMAIN_LIMITS.maximumKeys.value];
    await withDataFolder(
      full,
      async ({ apiKeys }) => {
        for (let i = left; i < most; i++)
          await apiKeys.create({ name: `${i}`, scope: 'read', labels: {}, expiresAt: null }, most);
      },
      { isMade: true },
    );
    expect((await metaheac('keys', 'create', full, '--name', 'last')).status).toBe(0);
    const refused = await metaheac('keys', 'create', full, '--name', 'more');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(String(most));
  });
});
