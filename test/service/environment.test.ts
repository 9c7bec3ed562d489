/** The settings: each is read from each source in order of precedence, each is validated, and none is unknown. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { DEFAULT_LIMITS, LIMIT_FILES, LIMIT_NAMES, LIMITS } from '../../src/service/limits.ts';
import {
  calledAs,
  defaultThreads,
  defaultTrainingThreads,
  LIMIT_VARIABLES,
  readEnvironment,
  readSettings,
  VARIABLES,
} from '../../src/service/settings/environment.ts';
import { SETTINGS as ALL, CONFIG_FILE } from '../../src/service/settings/setting-list.ts';
import { temporaryFolder } from '../fixture/folders.ts';

/** A value of each variable that is not its default; limits take their largest value, or 12345. */
const VALUES: Readonly<Record<string, string>> = {
  METAHEAC_DATA_DIR: '/data',
  METAHEAC_MODEL: '/model',
  METAHEAC_POPULATION: '/population',
  METAHEAC_STORE: 'postgres://someone@db.example/metaheac',
  METAHEAC_BLOBS: 's3://bucket/prefix',
  METAHEAC_CACHE: '/cache',
  METAHEAC_ENGINE: 'true',
  METAHEAC_FOLLOW_POPULATION: 'true',
  METAHEAC_HOST: '::1',
  METAHEAC_PORT: '0',
  METAHEAC_API_KEY: '0123456789abcdef',
  METAHEAC_DEVICE: 'cuda:1',
  METAHEAC_THREADS: '3',
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: 'hooks.internal',
  METAHEAC_LOG_LEVEL: 'debug',
  METAHEAC_PRETTY: 'true',
  METAHEAC_ALLOWED_HOSTS: 'metaheac.example.com',
  METAHEAC_CORS_ORIGINS: 'https://app.example.com',
  METAHEAC_SIGNAL_PRICES: 'standard=1.50 EUR',
  METAHEAC_DELETION_ISSUERS: 'publisher.example=http://keys.internal/',
  METAHEAC_DELETION_DOMAIN: 'audiences.example',
  METAHEAC_TRUSTED_PROXIES: '10.0.0.0/8',
};

const folder = temporaryFolder();
/** Names that are no settings of themselves: the files of settings and of secrets. */
const FILES = [CONFIG_FILE.variable, ...ALL.flatMap(({ secretFile }) => (secretFile ? [secretFile.variable] : []))];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const messageFor = (source: Record<string, string>, flags: Record<string, string> = {}): string => {
  try {
    readEnvironment(source, flags);
  } catch (error) {
    expect(error).toMatchObject({ name: 'AppError', code: 'invalid_argument' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('readEnvironment', () => {
  it('has defaults for what need not be given', () => {
    expect(readEnvironment({ HOME: '/root', PATH: '' })).toEqual({
      METAHEAC_FOLLOW_POPULATION: false,
      METAHEAC_HOST: '127.0.0.1',
      METAHEAC_PORT: 8080,
      METAHEAC_DEVICE: 'auto',
      METAHEAC_WEBHOOK_ALLOWED_HOSTS: [],
      METAHEAC_ALLOWED_HOSTS: [],
      METAHEAC_CORS_ORIGINS: [],
      METAHEAC_SIGNAL_PRICES: [{ id: 'included', cpm: 0, currency: 'USD' }],
      METAHEAC_DELETION_ISSUERS: [],
      METAHEAC_TRUSTED_PROXIES: [],
      METAHEAC_LOG_LEVEL: 'info',
      limits: DEFAULT_LIMITS,
    });
  });

  it.each(VARIABLES.filter((name) => !FILES.includes(name)))('reads %s', (variable) => {
    const limit = LIMIT_VARIABLES.get(variable);
    const before = readEnvironment({});
    if (limit !== undefined) {
      const most = Math.min(LIMITS[limit].most, 12_345);
      expect(readEnvironment({ [variable]: String(most) })).toEqual({
        ...before,
        limits: { ...before.limits, [limit]: most },
      });
      return;
    }
    const text = VALUES[variable]!;
    expect(before).not.toHaveProperty(variable, text);
    const isList = Array.isArray(before[variable as keyof typeof before]);
    const isFlag = ['METAHEAC_FOLLOW_POPULATION', 'METAHEAC_PRETTY', 'METAHEAC_ENGINE'].includes(variable);
    const parsed: Record<string, object> = {
      METAHEAC_SIGNAL_PRICES: { id: 'standard', cpm: 1.5, currency: 'EUR' },
      METAHEAC_DELETION_ISSUERS: { domain: 'publisher.example', url: 'http://keys.internal/' },
    };
    const value = isList ? [parsed[variable] ?? text] : isFlag ? true : /^\d{1,6}$/.test(text) ? Number(text) : text;
    expect(readEnvironment({ [variable]: text })).toEqual({ ...before, [variable]: value });
  });

  it('reads a list of hosts and CIDRs, which may be empty', () => {
    const hostsOf = (text: string) =>
      readEnvironment({ METAHEAC_WEBHOOK_ALLOWED_HOSTS: text }).METAHEAC_WEBHOOK_ALLOWED_HOSTS;
    expect(hostsOf(' hooks.internal, 10.0.0.0/8,fd00::/8,::1 ')).toEqual([
      'hooks.internal',
      '10.0.0.0/8',
      'fd00::/8',
      '::1',
    ]);
    expect(hostsOf('')).toEqual([]);
  });

  it('has each limit in the file that is named for it, once', () => {
    const names = Object.entries(LIMIT_FILES).flatMap(([path, rows]) => {
      const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
      for (const name of Object.keys(rows))
        expect(text, path).toMatch(new RegExp(`^  ${name}: (setting|fixed)\\(`, 'm'));
      return Object.keys(rows);
    });
    expect(names.sort()).toEqual([...LIMIT_NAMES].sort());
  });

  it('refuses a variable of ours that is not known, and names the one that was meant', () => {
    expect(messageFor({ METAHEAC_PROT: '80' })).toBe(
      'environment variable METAHEAC_PROT is not known: did you mean METAHEAC_PORT?',
    );
    expect(messageFor({ METAHEAC_LEASE_MS: '9' })).toContain('METAHEAC_LEASE_MS is not known');
    expect(messageFor({ METAHEAC_ZZZZZZZZ: '80' })).toContain('docs/settings.md lists all variables');
  });

  it.each([
    ['METAHEAC_PORT', ['', ' 80', '0x50', '8e1', '-1', '80.5', '65536', 'http']],
    ['METAHEAC_THREADS', ['', '0', '257', 'two']],
    ['METAHEAC_MINIMUM_SEEDS', ['0', '-1']],
    ['METAHEAC_MAXIMUM_ATTEMPTS', ['0', '101']],
    ['METAHEAC_OPEN_RANKINGS', ['0', '10001']],
    ['METAHEAC_BODY_LIMIT_BYTES', ['', '0', '8MiB', '1e6', '9999999999999999999999']],
    ['METAHEAC_WEBHOOK_ALLOWED_HOSTS', ['a,,b', 'http://a', '10.0.0.0/40', '*']],
    ['METAHEAC_SIGNAL_PRICES', ['1.50 EUR', 'a=1', 'a=1 eur', 'a=-1 EUR']],
    ['METAHEAC_DELETION_ISSUERS', ['https://a.example', 'localhost', 'a.example=keys', 'a.example=ftp://a.example/']],
    ['METAHEAC_LOG_LEVEL', ['', 'verbose']],
    ['METAHEAC_MODEL', ['']],
    ['METAHEAC_HOST', ['']],
    ['METAHEAC_DEVICE', ['', 'gpu', 'cuda:', 'cuda:x']],
  ])('refuses a %s that cannot be used, and repeats it', (variable, texts) => {
    for (const text of texts)
      expect(messageFor({ [variable]: text })).toContain(`environment variable ${variable} "${text}": `);
  });

  it('refuses a short key without repeating it', () => {
    const message = messageFor({ METAHEAC_API_KEY: 'hunter2' });
    expect(message).toContain('METAHEAC_API_KEY');
    expect(message).not.toContain('hunter2');
  });

  it('takes flags before variables, and names them as flags', () => {
    const flags = { METAHEAC_PORT: '81', METAHEAC_DATA_DIR: undefined };
    expect(readEnvironment({ METAHEAC_PORT: '80', METAHEAC_DATA_DIR: '/d' }, flags)).toMatchObject({
      METAHEAC_PORT: 81,
      METAHEAC_DATA_DIR: '/d',
    });
    expect(messageFor({ METAHEAC_PORT: '80' }, { METAHEAC_PORT: 'x' })).toMatch(/^--port "x": /);
  });
});

describe('readSettings', () => {
  it('takes flags before variables before the file before defaults, and says which it took', () => {
    const path = file('four.yaml', 'port: 1\nhost: "::1"\nretained_days: 2000\nthreads: 3\n');
    const { values, origins } = readSettings(
      { METAHEAC_CONFIG: path, METAHEAC_PORT: '2', METAHEAC_RETAINED_DAYS: '3000', METAHEAC_THREADS: '4' },
      { METAHEAC_PORT: '3', METAHEAC_RETAINED_DAYS: '4000' },
    );
    expect(values).toMatchObject({
      METAHEAC_PORT: 3,
      METAHEAC_THREADS: 4,
      METAHEAC_HOST: '::1',
      METAHEAC_DEVICE: 'auto',
    });
    expect(values.limits.retainedDays).toBe(4000);
    expect(Object.fromEntries(origins)).toMatchObject({
      METAHEAC_PORT: { kind: 'flag', name: '--port' },
      METAHEAC_THREADS: { kind: 'environment', name: 'METAHEAC_THREADS' },
      METAHEAC_HOST: { kind: 'file', path, line: 2 },
      METAHEAC_DEVICE: { kind: 'default' },
    });
    expect([...origins.keys()].sort()).toEqual(VARIABLES.filter((name) => !FILES.includes(name)).sort());
  });

  it('takes constants as an argument', () => {
    const constants = { leaseMs: 7 };
    const { limits } = readSettings({}, {}, constants).values;
    expect(limits).toEqual({ ...DEFAULT_LIMITS, leaseMs: 7 });
  });

  it('takes the file of the flag before that of the variable', () => {
    const [one, two] = [file('one.yaml', 'port: 1\n'), file('two.yaml', 'port: 2\n')];
    expect(readSettings({ METAHEAC_CONFIG: one }, { METAHEAC_CONFIG: two }).values.METAHEAC_PORT).toBe(2);
  });

  it.each(Object.entries(VALUES))('reads the key of %s', (variable, text) => {
    const { key } = ALL.find((setting) => setting.variable === variable)!;
    const path = file('key.yaml', `${key}: ${JSON.stringify(text)}\n`);
    expect(readEnvironment({ METAHEAC_CONFIG: path })).toEqual(readEnvironment({ [variable]: text }));
  });

  it.each([
    ['port: 80a\n', ':1: port "80a": not a whole number'],
    ['# a comment\n\nport: 0x50\n', ':3: port "0x50": not a whole number'],
    ['host: "::1"\nprot: 80\n', ':2: unknown key "prot": did you mean "port"?'],
    ['zzzzzzzzzz: 80\n', 'docs/settings.md lists all keys'],
    ['config: other.yaml\n', 'unknown key "config"'],
    ['port: 1\nport: 2\n', ':2: this key appears twice in the file'],
    ['port:\n', ':1: port has no value: remove the line to use the default'],
    ['port: [1, 2]\n', ':1: port must be a single value, not a list'],
    ['port: { a: 1 }\n', ':1: port must be a plain value'],
    ['- port\n', ':1: expected lines of the form "key: value"'],
    ['port\n', ':1: expected lines of the form "key: value"'],
    ['port: "1\n', 'not valid YAML'],
    ['webhook_allowed_hosts:\n  - a\n  - http://b\n', ':1: webhook_allowed_hosts "a,http://b": '],
    ['pretty: maybe\n', ':1: pretty "maybe": '],
  ])('refuses the file %j: %s', (text, part) => {
    const path = file('wrong.yaml', text);
    const message = messageFor({ METAHEAC_CONFIG: path });
    expect(message).toContain(part);
    expect(message).toContain(path);
  });

  it('refuses a file that is not there, is a folder, or is too large', () => {
    expect(messageFor({ METAHEAC_CONFIG: join(folder, 'none.yaml') })).toMatch(/none\.yaml cannot be read: ENOENT/);
    expect(messageFor({ METAHEAC_CONFIG: folder })).toMatch(/cannot be read: EISDIR/);
    expect(messageFor({ METAHEAC_CONFIG: '' })).toContain('METAHEAC_CONFIG');
    expect(messageFor({ METAHEAC_CONFIG: file('large.yaml', '#'.repeat(2 ** 20 + 1)) })).toContain('1048577 bytes');
  });

  it('reads an empty file, lists, and paths that are relative to the file', () => {
    expect(readEnvironment({ METAHEAC_CONFIG: file('empty.yaml', '# nothing\n') })).toEqual(readEnvironment({}));
    const path = file(
      'paths.yaml',
      'data_dir: data\nmodel: /m\nwebhook_allowed_hosts: [a, 10.0.0.0/8]\npretty: True\n',
    );
    expect(readEnvironment({ METAHEAC_CONFIG: path })).toMatchObject({
      METAHEAC_DATA_DIR: join(folder, 'data'),
      METAHEAC_MODEL: '/m',
      METAHEAC_WEBHOOK_ALLOWED_HOSTS: ['a', '10.0.0.0/8'],
      METAHEAC_PRETTY: true,
    });
  });

  it('reads a key from a file, of each source', () => {
    const secret = file('key', 'sixteen-letters-or-more\n');
    const config = file('secret.yaml', 'api_key_file: key\n');
    for (const settings of [
      readSettings({}, { METAHEAC_API_KEY_FILE: secret }),
      readSettings({ METAHEAC_API_KEY_FILE: secret }),
      readSettings({ METAHEAC_CONFIG: config }),
    ]) {
      expect(settings.values.METAHEAC_API_KEY).toBe('sixteen-letters-or-more');
      expect(settings.origins.get('METAHEAC_API_KEY')).toMatchObject({ secretFile: secret });
    }
    const before = { METAHEAC_CONFIG: config, METAHEAC_API_KEY: 'another-key-of-16-letters' };
    expect(readEnvironment(before).METAHEAC_API_KEY).toBe('another-key-of-16-letters');
  });

  it('takes the URL of a store as a flag, but no password in it', () => {
    const METAHEAC_STORE = 'postgres://someone:planted@db.example/metaheac';
    expect(readEnvironment({ METAHEAC_STORE }).METAHEAC_STORE).toBe(METAHEAC_STORE);
    const path = file('store', `${METAHEAC_STORE}\n`);
    expect(readEnvironment({}, { METAHEAC_STORE_FILE: path }).METAHEAC_STORE).toBe(METAHEAC_STORE);
    const open = { METAHEAC_STORE: 'postgres://someone@db.example/metaheac' };
    expect(readEnvironment({}, open)).toMatchObject(open);
    for (const url of [METAHEAC_STORE, 'postgres://db.example/metaheac?user=a&password=planted'])
      expect(messageFor({}, { METAHEAC_STORE: url })).toMatch(/^--store: .*METAHEAC_STORE_FILE$/);
    for (const url of ['mysql://someone:planted@db.example/metaheac', 'planted'])
      expect(messageFor({ METAHEAC_STORE: url })).toMatch(/must be a URL such as postgres:[^ ]*$/);
    const twoLines = file('two-stores', 'postgres://db.example/meta\nheac\n');
    expect(messageFor({ METAHEAC_STORE_FILE: twoLines })).toMatch(/must be a URL such as postgres:[^ ]*$/);
  });

  it('does not repeat credentials in the URL of object storage', () => {
    const given = { METAHEAC_BLOBS: 's3://AKIA:planted@bucket/prefix' };
    for (const message of [messageFor({}, given), messageFor(given)]) {
      expect(message).toContain('"s3://..@bucket/prefix": must be a URL such as s3://bucket/prefix');
      expect(message).not.toContain('planted');
    }
  });

  it('refuses a mode of TLS that the driver would ignore', () => {
    const store = { METAHEAC_STORE: 'postgres://db.example/metaheac' };
    expect(readEnvironment({ ...store, PGSSLMODE: 'verify-full' })).toMatchObject(store);
    expect(messageFor({ ...store, PGSSLMODE: 'verify_full' })).toMatch(
      /PGSSLMODE "verify_full": use one of .*verify-full/,
    );
    expect(messageFor({ ...store, PGSSLROOTCERT: '/no/such.pem' })).toMatch(
      'PGSSLROOTCERT: there is no file /no/such.pem',
    );
    expect(readEnvironment({ ...store, PGSSLROOTCERT: 'system' })).toMatchObject(store);
    expect(readEnvironment({ PGSSLMODE: 'allow' })).not.toHaveProperty('METAHEAC_STORE');
  });

  it.each([
    [
      'in both ways',
      { METAHEAC_API_KEY: 'planted-secret-0123', METAHEAC_API_KEY_FILE: 'x' },
      /use only one of the two/,
    ],
    ['in place of its file', { METAHEAC_API_KEY_FILE: 'planted-secret-0123' }, /there is no such file/],
    ['that is too short', { METAHEAC_API_KEY: 'planted-secret'.slice(0, 15) }, /at least 16/],
  ])('refuses a key %s, and never repeats it', (_how, source, message) => {
    expect(messageFor(source)).toMatch(message);
    expect(messageFor(source)).not.toContain('planted');
  });

  it.each([
    'api_key: planted-secret\n',
    'api_key: *planted-secret-0123\n',
    'api_key: "planted-secret-0123\n',
    'api_key: "planted" secret-0123\n',
    'api_key: [planted-secret-0123]\n',
    'api_key: { planted-secret-0123: 1 }\n',
    'api_key: planted: secret-0123\n',
    'api_key:\n\tplanted-secret-0123\n',
    'api_key: !planted-secret-0123 1\n',
    'api_key: planted-secret-0123\napi_key: planted-secret-0123\n',
  ])('does not repeat a secret of a file that it refuses: %j', (text) => {
    expect(messageFor({ METAHEAC_CONFIG: file('planted.yaml', text) })).not.toContain('planted-');
  });
});

describe('calledAs', () => {
  it.each([
    [{}, 'metaheac demo'],
    [{ npm_command: 'exec', npm_lifecycle_event: 'npx' }, 'npx metaheac demo'],
    [{ npm_command: 'run-script', npm_lifecycle_event: 'demo' }, 'npm run demo --'],
    [{ npm_command: 'run-script', npm_lifecycle_event: 'metaheac' }, 'npm run --silent metaheac -- demo'],
  ])('says how a command is given again: %j', (source, text) => {
    expect(calledAs(source, 'demo')).toBe(text);
  });
});

describe('defaultTrainingThreads', () => {
  it('is one per processor, and one on a GPU', () => {
    expect(defaultThreads()).toBeGreaterThanOrEqual(1);
    expect(defaultTrainingThreads(CPU)).toBe(defaultThreads());
    expect(defaultTrainingThreads({ kind: 'cuda', id: 0, detail: 'cuda:0' })).toBe(1);
  });
});
