/** Environment variables: each is read, each is validated, and none is unknown. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  defaultThreads,
  defaultTrainingThreads,
  LIMIT_VARIABLES,
  readEnvironment,
  VARIABLES,
} from '../../src/cli/environment.ts';
import { CPU } from '../../src/runtime/session.ts';
import { LIMIT_GROUPS, LIMITS } from '../../src/server/limits.ts';

/** A value of each variable that is not its default; limits take their largest value, or 12345. */
const VALUES: Readonly<Record<string, string>> = {
  METAHEAC_DATA_DIR: '/data',
  METAHEAC_MODEL: '/model',
  METAHEAC_POPULATION: '/population',
  METAHEAC_FOLLOW_POPULATION: 'true',
  METAHEAC_HOST: '::1',
  METAHEAC_PORT: '0',
  METAHEAC_API_KEY: '0123456789abcdef',
  METAHEAC_DEVICE: 'cuda:1',
  METAHEAC_THREADS: '3',
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: 'hooks.internal',
  METAHEAC_LOG_LEVEL: 'debug',
};

/** The rows of docs/settings.md: a variable (behind its flag, if it has one) and its default. */
const SETTINGS = [
  ...readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8').matchAll(
    /^\| (?:`--[\w-]+` +\| )?`(METAHEAC_\w+)` +\| ([^|]*?) +\|/gm,
  ),
].map(([, variable = '', byDefault = '']) => ({ variable, byDefault }));

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
      METAHEAC_LOG_LEVEL: 'info',
      limits: {},
    });
  });

  it.each(VARIABLES)('reads %s', (variable) => {
    const limit = LIMIT_VARIABLES.get(variable);
    const before = readEnvironment({});
    if (limit !== undefined) {
      const { most = 12_345 } = LIMITS[limit];
      expect(readEnvironment({ [variable]: String(most) })).toEqual({ ...before, limits: { [limit]: most } });
      return;
    }
    const text = VALUES[variable]!;
    expect(before).not.toHaveProperty(variable, text);
    const isList = variable === 'METAHEAC_WEBHOOK_ALLOWED_HOSTS';
    const isFlag = variable === 'METAHEAC_FOLLOW_POPULATION';
    const value = isList ? [text] : isFlag ? true : /^\d{1,6}$/.test(text) ? Number(text) : text;
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

  it('has a variable for every limit of the server', () => {
    const rows = Object.values(LIMIT_GROUPS).flatMap((group) => Object.keys(group));
    expect([...LIMIT_VARIABLES.values()].sort()).toEqual(rows.sort());
    expect(new Set(rows).size).toBe(rows.length);
    expect(LIMIT_VARIABLES.get('METAHEAC_BODY_LIMIT_BYTES')).toBe('bodyLimitBytes');
  });

  it('is listed in docs/settings.md, each variable in one row', () => {
    expect(SETTINGS.map(({ variable }) => variable).sort()).toEqual([...VARIABLES].sort());
  });

  it.each(SETTINGS)('has the default that docs/settings.md says: $variable', ({ variable, byDefault }) => {
    const { limits, ...own } = readEnvironment({});
    const limit = LIMIT_VARIABLES.get(variable);
    const value = limit === undefined ? own[variable as keyof typeof own] : LIMITS[limit].default;
    const isNone = value === undefined || (Array.isArray(value) && value.length === 0);
    if (isNone) expect(['required', 'none', 'one per processor']).toContain(byDefault);
    else expect(byDefault).toBe(String(value));
  });

  it('has a default within its bounds, and a sentence, of every limit', () => {
    for (const { default: value, least = 1, most = Number.MAX_SAFE_INTEGER, description } of Object.values(LIMITS)) {
      expect(value).toBeGreaterThanOrEqual(least);
      expect(value).toBeLessThanOrEqual(most);
      expect(description).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('refuses a variable of ours that is not known, and names it and those that are', () => {
    expect(messageFor({ METAHEAC_PROT: '80' })).toMatch(/METAHEAC_PROT is not known .*METAHEAC_PORT/);
  });

  it.each([
    ['METAHEAC_PORT', ['', ' 80', '0x50', '8e1', '-1', '80.5', '65536', 'http']],
    ['METAHEAC_THREADS', ['', '0', '257', 'two']],
    ['METAHEAC_MINIMUM_SEEDS', ['0', '-1']],
    ['METAHEAC_LEASE_MS', ['999', '3600001', '15s']],
    ['METAHEAC_MAXIMUM_ATTEMPTS', ['0', '101']],
    ['METAHEAC_OPEN_RANKINGS', ['0', '10001']],
    ['METAHEAC_BODY_LIMIT_BYTES', ['', '0', '8MiB', '1e6', '9999999999999999999999']],
    ['METAHEAC_WEBHOOK_ALLOWED_HOSTS', ['a,,b', 'http://a', '10.0.0.0/40', '*']],
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

describe('defaultTrainingThreads', () => {
  it('is one per processor, and one on a GPU', () => {
    expect(defaultThreads()).toBeGreaterThanOrEqual(1);
    expect(defaultTrainingThreads(CPU)).toBe(defaultThreads());
    expect(defaultTrainingThreads({ kind: 'cuda', id: 0, detail: 'cuda:0' })).toBe(1);
  });
});
