/** `metaheac serve`, restarted whenever it ends, as by a supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/demo/free-port.ts';
import type { Limits } from '../../src/service/limits.ts';
import { findChild, groupOf, isAlive, killDead } from '../fixture/processes.ts';
import { fromSources } from '../fixture/sources.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A supervisor waits before it restarts a process that has just ended. */
const RESTART_MS = 100;
const READY_MS = 120_000;
/** An engine without its parent ends within this time. */
const ORPHAN_MS = 15_000;
const CALL_MS = 30_000;
const KEPT_LOG = 2 << 20;
const PAGE_BYTES = 4096;

export interface ProgramOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  readonly threads: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Limits that are not settings. */
  readonly limits?: Partial<Limits>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows its type
  readonly json: any;
}

/** Answers requests: a service, or the nodes of a cluster. */
export type Callable = Pick<Program, 'call'>;

/** The resources of the processes. */
export interface Held {
  readonly bytes: number;
  readonly handles: number;
}

export class Program {
  readonly port: number;
  readonly #options: ProgramOptions;
  readonly #groups: number[] = [];
  #child: ChildProcess | null = null;
  #isStopping = false;
  #starts = 0;
  #log = '';

  private constructor(port: number, options: ProgramOptions) {
    this.port = port;
    this.#options = options;
    process.once('exit', this.killAll);
  }

  /** Starts the service and waits until it is ready. */
  static async start(options: ProgramOptions): Promise<Program> {
    const program = new Program(await freePort(), options);
    program.#spawn();
    await program.ready();
    return program;
  }

  /** The last lines of the log of all its processes. */
  get log(): string {
    return this.#log;
  }

  get starts(): number {
    return this.#starts;
  }

  /** Process id of the API process, or null while there is none. */
  get api(): number | null {
    const pid = this.#child?.pid;
    return pid !== undefined && isAlive(pid) ? pid : null;
  }

  get engine(): number | null {
    return this.api === null ? null : findChild(this.api, 'engine/engine');
  }

  async ready(): Promise<void> {
    const end = performance.now() + READY_MS;
    while ((await this.call('GET', '/readyz').catch(() => null))?.status !== 200) {
      if (performance.now() > end) throw new Error(`the service does not become ready: ${this.#log.slice(-4000)}`);
      await sleep(50);
    }
  }

  /**
   * One request and its response.
   * @throws if the connection breaks
   */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const isText = typeof body === 'string';
    const type = body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' };
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { ...type, ...headers },
      signal: AbortSignal.timeout(CALL_MS),
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '');
    const { status, headers: answered } = response;
    return { status, headers: answered, text, json: isJson ? JSON.parse(text) : undefined };
  }

  /** Kills the API process, and first the engine if `all`; the service is restarted. */
  killApi(all: boolean): boolean {
    const { api, engine } = this;
    if (api === null) return false;
    if (all && engine !== null) killDead(engine);
    killDead(api);
    return true;
  }

  killEngine(): boolean {
    const { engine } = this;
    if (engine === null) return false;
    killDead(engine);
    return true;
  }

  /** Sends SIGTERM and returns the exit code. The service is restarted unless this is the `end`. */
  async terminate(end: boolean): Promise<number | null> {
    this.#isStopping = end;
    const child = this.#child;
    // killed, and not restarted yet
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = await ended;
    return code;
  }

  /** After the end, starts the service as before. */
  async startAgain(): Promise<void> {
    this.#isStopping = false;
    this.#spawn();
    await this.ready();
  }

  /** Processes that outlived the program. */
  async leftProcesses(): Promise<number> {
    const end = performance.now() + ORPHAN_MS;
    const alive = () => this.#groups.flatMap((group) => groupOf(group)).length;
    while (alive() > 0 && performance.now() < end) await sleep(50);
    return alive();
  }

  /** Ends all processes, as the end of this process does. */
  readonly killAll = (): void => {
    process.off('exit', this.killAll);
    this.#isStopping = true;
    for (const pid of this.#groups.flatMap((group) => groupOf(group))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has already ended.
      }
    }
  };

  /** For the API process and the engine together. */
  held(): Held {
    const pids = [this.api, this.engine].filter((pid) => pid !== null);
    return {
      bytes: pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
      handles: pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    };
  }

  #spawn(): void {
    const { dataDir, model, population, threads, env, limits = {} } = this.#options;
    const flags = ['--data-dir', dataDir, '--model', model, '--population', population, '--port', String(this.port)];
    const child = spawn(
      process.execPath,
      ['scripts/run.mjs', ...fromSources(limits), 'serve', ...flags, '--threads', String(threads)],
      {
        cwd: ROOT,
        env: { ...process.env, METAHEAC_DEVICE: 'cpu', METAHEAC_LOG_LEVEL: 'warn', ...env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#starts += 1;
    this.#child = child;
    this.#groups.push(child.pid!);
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (data: Buffer) => {
        this.#log = (this.#log + data).slice(-KEPT_LOG);
      });
    child.once('exit', (code, signal) => {
      this.#log += `--- pid ${child.pid} ended with ${code ?? signal}\n`;
      // asked at both times, because `startAgain` may come in between
      if (this.#isStopping) return;
      setTimeout(() => {
        if (!this.#isStopping && this.#child === child) this.#spawn();
      }, RESTART_MS);
    });
  }
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}
