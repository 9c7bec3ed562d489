/** A cluster on this machine: Postgres, object storage, nodes, and engines that can be stopped where they are. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../../../../src/service/limits.ts';
import { findChild } from '../../../fixture/processes.ts';
import { processorSeconds } from '../../processes.ts';
import { type BenchService, DEMO_MODEL, listening, serve, startProgram } from '../../service.ts';
import type { Ending } from './ending.ts';
import { type Servers, startServers } from './servers.ts';

/** How long the user sides of a population may take. */
const PREPARE_MS = 1_800_000;
const LOOK_EVERY_MS = 200;
/** Pieces of an engine's output that are kept for an error. */
const LOG_PIECES = 20;
/** A process that took less than this share of a core is idle. */
const IDLE_SHARE = 0.2;
const IDLE_MS = 1000;

export interface RigOptions {
  /** The population that the first node publishes. */
  readonly population: string;
  /** A folder for caches. */
  readonly folder: string;
  readonly ending: Ending;
  /** Settings of all nodes and engines. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface BenchEngine {
  readonly name: string;
  /** The process that works, below the one that was started. */
  readonly worker: number;
  /** Processor seconds so far of all its processes. */
  seconds(): number;
  /** Stops all its processes, which must have no work, and lets them go on. */
  freeze(): void;
  thaw(): void;
}

export interface Rig {
  readonly servers: Servers;
  readonly node: BenchService;
  addNode(name: string, limits?: Partial<Limits>): Promise<BenchService>;
  /** Starts an engine and waits until it has the user sides of the population. */
  addEngine(name: string, threads: number, variables?: Readonly<Record<string, string>>): Promise<BenchEngine>;
}

export async function startRig({ population, folder, ending, settings = {} }: RigOptions): Promise<Rig> {
  const servers = await startServers(ending);
  const variablesOf = (name: string): Readonly<Record<string, string>> => {
    const cache = join(folder, `cache-${name}`);
    mkdirSync(cache, { recursive: true });
    const store = { METAHEAC_STORE: servers.database, METAHEAC_BLOBS: servers.blobs, METAHEAC_CACHE: cache };
    return { ...store, METAHEAC_LOG_LEVEL: 'error', ...servers.credentials, ...settings };
  };
  const addNode = (name: string, limits: Partial<Limits> = {}, args: readonly string[] = []) =>
    serve(args, limits, { variables: variablesOf(name), onStarted: (child) => ending.own(child) });
  const node = await addNode('node', {}, ['--model', DEMO_MODEL, '--population', population]);
  return {
    servers,
    node,
    addNode: (name, limits) => addNode(name, limits),
    addEngine: async (engine, threads, variables = {}) => {
      const child = startProgram(
        ['engine', '--port', '0', '--threads', String(threads)],
        {},
        {
          variables: { ...variablesOf(engine), ...variables },
          onStarted: (started) => ending.own(started),
        },
      );
      const said: string[] = [];
      for (const stream of [child.stdout!, child.stderr!])
        stream.on('data', (data: Buffer) => said.splice(0, Math.max(0, said.push(String(data)) - LOG_PIECES)));
      const url = await listening(child);
      const pid = child.pid!;
      const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
        const end = child.exitCode ?? child.signalCode;
        if (end !== null) throw new Error(`${engine} has ended with ${end}: ${said.join('')}`);
        process.kill(-pid, name);
      };
      await prepared(url);
      await untilIdle(pid);
      return {
        name: engine,
        worker: findChild(pid, 'engine/engine')!,
        seconds: () => processorSeconds(pid),
        freeze: () => signal('SIGSTOP'),
        thaw: () => signal('SIGCONT'),
      };
    },
  };
}

/** Waits until the engine behind these pages has the user sides of all segments. */
export async function prepared(url: string): Promise<void> {
  const end = performance.now() + PREPARE_MS;
  while ((await readMetric(url, 'metaheac_engine_user_sides_missing')) !== 0) {
    if (performance.now() > end) throw new Error(`${url} has no user sides`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** The value of a metric without labels; null if there is none. */
async function readMetric(url: string, name: string): Promise<number | null> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
  return value === undefined ? null : Number(value);
}

/** Waits until the process and its descendants have no work. */
export async function untilIdle(pid: number): Promise<void> {
  for (;;) {
    const before = processorSeconds(pid);
    await sleep(IDLE_MS);
    if (processorSeconds(pid) - before < (IDLE_SHARE * IDLE_MS) / 1000) return;
  }
}
