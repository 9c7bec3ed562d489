/** A running service with a population of synthetic people, for benchmarks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { importPopulation } from '../../src/population/import.ts';
import type { Limits } from '../../src/service/limits.ts';
import { fromSources } from '../fixture/sources.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
/** k = 16. */
export const DEMO_MODEL = join(ROOT, 'models', 'demo');
/** Limits of a service that runs the whole graph for each campaign. */
export const WHOLE_GRAPH: Partial<Limits> = { userSides: 0, userSideBytes: 0 };
const READY_MS = 120_000;
const POLL_MS = 10;
const THREADS = 2;

export interface BenchService {
  readonly url: string;
  readonly port: number;
  /** The process that started the others. */
  readonly pid: number;
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly headers: Record<string, string>; readonly json: Json }>;
  /**
   * POSTs a campaign with `seeds` and waits for its end: returns the campaign, and the seconds since the POST. `pollMs`
   * is the pause between two looks at the campaign.
   */
  expand(seeds: readonly string[], pollMs?: number): Promise<Expanded>;
  stop(): Promise<void>;
}

/** A ready campaign, and the seconds since its POST. */
export interface Expanded {
  readonly campaign: Json;
  readonly seconds: number;
}

// biome-ignore lint/suspicious/noExplicitAny: benchmarks read what they know is there
type Json = any;

/** A folder that is removed after `use`. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Imports `users` people of the demo's world into `folder`/population, and returns its path. */
/** Each user has an e-mail address, by rule `adcp`, if `emailOf` is given. */
export async function makePopulation(
  folder: string,
  users: number,
  emailOf?: (user: string) => string,
): Promise<string> {
  const source = join(folder, 'data');
  const out = join(folder, 'population');
  await generateDataSet({ out: source, users, trainCampaigns: 1, testCampaigns: 1, seed: '1', world: 'demo' });
  const identifiers = join(source, 'identifiers.csv');
  const rows = emailOf ? people(users, users).map((user) => `${user},email,adcp,${emailOf(user)}`) : [];
  writeFileSync(identifiers, ['user_id,type,rule,value', ...rows, ''].join('\n'));
  const { userFeatures: features } = openDataSet(source);
  await importPopulation({ source, features, out, identifierFiles: [identifiers] });
  rmSync(source, { recursive: true });
  return out;
}

/** Ids of people, evenly spread. */
export function people(count: number, users: number): string[] {
  const id = (number: number) => `person-${String(number).padStart(6, '0')}`;
  return Array.from({ length: count }, (_, i) => id(1 + Math.floor((i * users) / count)));
}

/** Ids of people, evenly spread, in an order without pattern. */
export function shuffledPeople(count: number, users: number): string[] {
  // by a prime stride
  return people(count, users).map((_, i, all) => all[(i * 7919) % all.length]!);
}

/** `limits` replace the default limits. */
export function startService(
  population: string,
  dataDir: string,
  limits: Partial<Limits> = {},
  options: StartOptions = {},
): Promise<BenchService> {
  const flags = ['--data-dir', dataDir, '--model', DEMO_MODEL, '--population', population];
  return serve([...flags, '--threads', `${THREADS}`], limits, options);
}

export interface StartOptions {
  readonly variables?: Readonly<Record<string, string>>;
  /** Called with the process, which then leads a process group of its own, and which the caller ends. */
  readonly onStarted?: (child: ChildProcess) => void;
}

/** Runs `metaheac serve` on a free port, and waits until it is ready. */
export async function serve(
  args: readonly string[],
  limits: Partial<Limits>,
  { variables = {}, onStarted }: StartOptions,
): Promise<BenchService> {
  const child = startProgram(['serve', '--port', '0', ...args], limits, { variables, onStarted });
  const url = await listening(child);
  const call: BenchService['call'] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const headers = Object.fromEntries(response.headers);
    return { status: response.status, headers, json: await response.json() };
  };
  const end = performance.now() + READY_MS;
  while ((await call('GET', '/readyz')).status !== 200) {
    if (performance.now() > end) throw new Error('the service does not become ready');
    await sleep(50);
  }
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid!,
    call,
    expand: async (seeds, pollMs = POLL_MS) => {
      const start = performance.now();
      const { status, json } = await call('POST', '/v1/campaigns', { name: 'bench', seeds, audience: { percent: 5 } });
      if (status !== 202) throw new Error(JSON.stringify(json));
      for (;;) {
        const { json: campaign } = await call('GET', `/v1/campaigns/${json.id}`);
        if (campaign.state === 'ready') return { campaign, seconds: (performance.now() - start) / 1000 };
        if (campaign.state === 'failed' || campaign.state === 'too_small')
          throw new Error(JSON.stringify(campaign.reason));
        await sleep(pollMs);
      }
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Starts a command of the program from its sources. Its output goes to pipes. */
export function startProgram(
  args: readonly string[],
  limits: Partial<Limits>,
  { variables = {}, onStarted }: { readonly [Name in keyof StartOptions]: StartOptions[Name] | undefined },
): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/run.mjs'), ...fromSources(limits), ...args], {
    cwd: ROOT,
    env: { ...process.env, METAHEAC_DEVICE: 'cpu', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: onStarted !== undefined,
  });
  onStarted?.(child);
  return child;
}

/** Waits for the address that it prints. */
export async function listening(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const read = (data: Buffer) => {
      text += data;
      const [, found] = /(?:listening on|engine:) (http:\/\/127\.0\.0\.1:\d+)/.exec(text) ?? [];
      if (found) resolve(found);
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('exit', () => reject(new Error(`the service ended: ${text}`)));
  });
}
