/**
 * A cluster on this machine, for the demo: Postgres, a folder in place of object storage, two API nodes and two
 * engines, all on the loopback interface. One of the engines is killed while it expands a campaign.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { endChild } from '../lib/end-child.ts';
import { AppError } from '../lib/errors.ts';
import { startPostgres } from './postgres-server.ts';

/** Starts a command of this program with these arguments and environment variables. Its output goes to pipes. */
export type RunCommand = (args: readonly string[], variables: Readonly<Record<string, string>>) => ChildProcess;

export interface ClusterDependencies {
  readonly run: RunCommand;
  /** Called when a step is finished. */
  readonly say: (line: string) => void;
  /** Registers a function that is called at the end; the last registered function is called first. */
  readonly defer: (close: () => Promise<void>) => void;
}

const ENGINES = 2;
const THREADS = '1';
/** How long a process may take to say where it listens. */
const START_LIMIT_MS = 120_000;
/** How long a process may take to end after SIGTERM. */
const STOP_LIMIT_MS = 15_000;
/** Number of lines of a process's log in the error if it does not start. */
const LOG_LINES = 20;
const URL_IN_TEXT = /(?:listening on|engine:) (http:\/\/[^\s/]+)/;

/** A process of the cluster. */
interface Member {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

export class DemoCluster {
  readonly #dependencies: ClusterDependencies;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #nodes: Member[] = [];
  readonly #engines: Member[] = [];
  #kill: { readonly campaign: () => string | null; done: boolean } | null = null;

  private constructor(dependencies: ClusterDependencies, store: string, folder: string) {
    this.#dependencies = dependencies;
    this.#folder = folder;
    this.#variables = {
      METAHEAC_STORE: store,
      METAHEAC_BLOBS: pathToFileURL(`${folder}/blobs`).href,
      METAHEAC_PRETTY: 'false',
    };
  }

  /**
   * Starts all processes. The first node publishes the model, and the population in `folder`, which also contains the
   * blobs of the cluster and the caches of its processes.
   */
  static async start(folder: string, model: string, given: ClusterDependencies): Promise<DemoCluster> {
    const { say, defer } = given;
    const postgres = await startPostgres();
    defer(() => postgres.close());
    say('Postgres is running; a folder takes the place of object storage');
    const cluster = new DemoCluster(given, `${postgres.url}/postgres`, folder);
    cluster.#nodes.push(await cluster.#node('node-1', ['--model', model, '--population', `${folder}/population`]));
    say(`node-1 is listening on ${cluster.#nodes[0]!.url}; it has published the model and the population`);
    const others = await Promise.all([
      cluster.#node('node-2', []),
      ...Array.from({ length: ENGINES }, (_, i) => cluster.#engine(`engine-${i + 1}`)),
    ]);
    cluster.#nodes.push(others[0]!);
    cluster.#engines.push(...others.slice(1));
    say(`node-2 is listening on ${others[0]!.url}; engine-1 and engine-2 have joined`);
    return cluster;
  }

  /** The URLs of the nodes. */
  get urls(): readonly string[] {
    return this.#nodes.map(({ url }) => url);
  }

  /** Kills the engine that adapts a model to the campaign, as soon as it does so. `campaign` may not be known yet. */
  killWhileExpanding(campaign: () => string | null): void {
    this.#kill = { campaign, done: false };
  }

  #node(name: string, args: readonly string[]): Promise<Member> {
    return this.#start(name, ['serve', '--port', '0', ...args], () => {});
  }

  #engine(name: string): Promise<Member> {
    return this.#start(name, ['engine', '--port', '0', '--threads', THREADS], (line, process) =>
      this.#read(line, name, process),
    );
  }

  /** Reads a line of an engine's log. An engine that has found the seeds of a campaign is about to adapt a model. */
  #read(line: string, name: string, engine: ChildProcess): void {
    if (this.#kill === null || this.#kill.done || !line.includes('"stage":"finding"')) return;
    const { campaign } = JSON.parse(line) as { readonly campaign?: string };
    const wanted = this.#kill.campaign();
    if (wanted !== null && campaign !== wanted) return;
    this.#kill.done = true;
    engine.kill('SIGKILL');
    this.#dependencies.say(`${name} was adapting the model to the campaign, and is killed (SIGKILL)`);
  }

  /** Starts a process, and waits until it says where it listens. */
  async #start(
    name: string,
    args: readonly string[],
    onLine: (line: string, process: ChildProcess) => void,
  ): Promise<Member> {
    const { run, defer } = this.#dependencies;
    const variables = {
      ...this.#variables,
      // a cache of its own, as if the process ran on another machine
      METAHEAC_CACHE: `${this.#folder}/caches/${name}`,
      METAHEAC_LOG_LEVEL: args[0] === 'engine' ? 'debug' : 'warn',
    };
    const child = run(args, variables);
    defer(() => endChild(child, () => child.kill('SIGTERM'), STOP_LIMIT_MS));
    // logs and notes go to the standard error
    const lines = createInterface(child.stderr!);
    lines.on('line', (line) => onLine(line, child));
    child.stdout!.resume();
    return { name, url: await urlOf(name, child, lines), process: child };
  }
}

/** Resolves with the URL that the process prints. Rejects if the process ends, or takes too long. */
async function urlOf(name: string, child: ChildProcess, lines: Interface): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const refuse = (what: string) => reject(new AppError('unavailable', `${name} ${what}:\n${said.join('\n')}`));
    const timer = setTimeout(() => refuse('does not start'), START_LIMIT_MS);
    child.once('error', (error) => refuse(`cannot be started (${error.message})`));
    child.once('exit', (code) => refuse(`has ended with code ${code}`));
    lines.on('line', (line) => {
      said.push(line);
      if (said.length > LOG_LINES) said.shift();
      const url = URL_IN_TEXT.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
