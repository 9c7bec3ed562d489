/** `config`, `doctor` and `serve --pretty` as people run them; a planted key is in nothing that they print. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../src/service/settings/setting-list.ts';
import { metaheacWith } from '../cli/in-process.ts';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { Served } from '../fixture/served.ts';

const world = await fewDemoPeople(temporaryFolder());
const folder = temporaryFolder();
const KEY = 'planted-secret-0123';

async function metaheac(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = await metaheacWith(env, ...args);
  expect(stdout + stderr).not.toContain(KEY);
  return { status, stdout, stderr };
}

/** A configuration file with everything that `serve` needs; its key is in another file. */
function configFile(): string {
  const home = newFolder(folder);
  const path = join(home, 'metaheac.yaml');
  writeFileSync(join(home, 'key'), `${KEY}\n`, { mode: 0o600 });
  writeFileSync(
    path,
    `data_dir: data\nmodel: ${world.model}\npopulation: ${world.population}\napi_key_file: key\ndevice: cpu\nport: 0\n`,
  );
  return path;
}

it('metaheac config prints every setting with its value, unit and origin', async () => {
  const config = configFile();
  const env = { METAHEAC_CONFIG: config, METAHEAC_RETAINED_DAYS: '20' };
  const [table, json, inVariable, wrong, unknown] = await Promise.all([
    metaheac(['config', '--port', '81'], env),
    metaheac(['config', '--json', '--body-limit-bytes', '1000', '--pretty'], env),
    metaheac(['config'], { METAHEAC_API_KEY: KEY }),
    metaheac(['config', '--retained-days', '5d'], env),
    metaheac(['config', '--retained-day', '5'], env),
  ]);
  const rows = table.stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows).toHaveLength(SETTINGS.length + 2);
  expect(rows[0]).toEqual(['setting', 'value', 'unit', 'origin']);
  expect(rows).toContainEqual(['port', '81', '', 'flag --port'].filter((cell) => cell !== ''));
  expect(rows).toContainEqual(['retained_days', '20', 'days', 'environment METAHEAC_RETAINED_DAYS']);
  expect(rows).toContainEqual(['device', 'cpu', `${config}:5`]);
  expect(rows).toContainEqual(['api_key', '********', `${config}:4 (${join(config, '..', 'key')})`]);
  expect(rows).toContainEqual(['host', '127.0.0.1', 'default']);
  const { settings } = JSON.parse(json.stdout) as { readonly settings: readonly Record<string, unknown>[] };
  expect(settings.map(({ key }) => key)).toEqual(SETTINGS.map(({ key }) => key));
  expect(settings).toContainEqual(
    expect.objectContaining({
      key: 'body_limit_bytes',
      flag: '--body-limit-bytes',
      variable: 'METAHEAC_BODY_LIMIT_BYTES',
      value: 1000,
      unit: 'bytes',
      origin: 'flag --body-limit-bytes',
      from: 'flag',
      secret: false,
    }),
  );
  expect(settings).toContainEqual(expect.objectContaining({ key: 'pretty', value: true }));
  expect(settings).toContainEqual(expect.objectContaining({ key: 'api_key', value: '********', secret: true }));
  expect(inVariable.stdout).toMatch(/^api_key +\*{8} +environment METAHEAC_API_KEY$/m);
  expect(wrong).toMatchObject({ status: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^metaheac: --retained-days "5d": .+\n$/);
  expect(unknown).toMatchObject({ status: 2, stdout: '' });
  expect(unknown.stderr).toContain('--retained-days');
});

it('metaheac doctor prints a table or JSON, and sets the exit code', async () => {
  const [whole, broken] = [configFile(), configFile()];
  rmSync(join(broken, '..', 'key'));
  writeFileSync(join(broken, '..', 'key'), `${KEY}\n`, { mode: 0o644 });
  chmodSync(join(broken, '..', 'key'), 0o644);
  const [table, json] = await Promise.all([
    metaheac(['doctor', '--config', whole]),
    metaheac(['doctor', '--json', '--config', broken, '--model', folder]),
  ]);
  expect(table.stdout).toMatch(/^ok +model +\S+ [0-9a-f]{12}, .+ checksums match$/m);
  expect(table.stdout).toMatch(/\n\n18 checks: \d+ ok, \d+ warnings, 0 failed\n$/);
  expect(table.status).toBe(0);
  const { status, checks } = JSON.parse(json.stdout);
  expect([status, json.status]).toEqual(['failed', 1]);
  expect(checks).toContainEqual({
    check: 'model',
    status: 'failed',
    detail: expect.stringContaining('manifest.json'),
    advice: expect.stringMatching(/\.$/),
  });
  expect(checks).toContainEqual(expect.objectContaining({ check: 'secrets', status: 'warning' }));
});

it('metaheac serve --pretty writes log lines for people', async () => {
  const served = await Served.start({
    dataDir: join(folder, 'pretty'),
    model: world.model,
    population: world.population,
    env: { METAHEAC_PRETTY: 'true', METAHEAC_API_KEY: KEY, METAHEAC_LOG_LEVEL: 'debug' },
  });
  await served.call('GET', '/v1/limits', undefined, { authorization: `Bearer ${KEY}` });
  await served.until(() => served.log.includes('/v1/limits'), 'logged a request');
  expect(served.log).not.toMatch(/^(\{|metaheac)/m);
  expect(served.log).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO \(api\): .+"method":"GET","route":"\/v1\/limits",.*"status":200/m,
  );
  expect(served.log).not.toContain(KEY);
  expect(served.log).not.toContain('\u001b[');
});
