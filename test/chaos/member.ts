/** A process of the service, restarted whenever it ends, as by a supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/demo/free-port.ts';
import type { Limits } from '../../src/service/limits.ts';
import { findChild, groupOf, isAlive, killDead } from '../fixture/processes.ts';
import { ROOT } from '../fixture/projects.ts';
import { fromSources } from '../fixture/sources.ts';

/** A supervisor waits before it restarts a process that has just ended. */
const RESTART_MS = 250;
const READY_MS = 120_000;
const END_MS = 40_000;
const CALL_MS = 30_000;
const KEPT_LOG = 2 << 20;
const PAGE_BYTES = 4096;

export interface MemberOptions {
  readonly name: string;
  readonly args: readonly string[];
  /** Base URL of its pages. */
  readonly url: string;
  /** The API key of callers; none by default. */
  readonly key?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Limits that are not settings. */
  readonly limits?: Partial<Limits>;
}

/** A request of the API: method, path, body, headers. */
export type Request = readonly [string, string, unknown?, Readonly<Record<string, string>>?];

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows its type
  readonly json: any;
}

/** Answers requests: a service, or the nodes of a cluster. */
export type Callable = Pick<Member, 'call'>;

/** The resources of the processes. */
export interface Held {
  readonly bytes: number;
  readonly handles: number;
}

export class Member {
  readonly name: string;
  readonly url: string;
  readonly #options: MemberOptions;
  readonly #groups: number[] = [];
  #args: readonly string[];
  #program = ROOT;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #starts = 0;
  #log = '';

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.url = options.url;
    this.#options = options;
    this.#args = options.args;
    process.once('exit', this.end);
    this.#spawn();
  }

  /** The last lines of the log of all its processes. */
  get log(): string {
    return this.#log;
  }

  get starts(): number {
    return this.#starts;
  }

  get pid(): number | null {
    const pid = this.#child?.pid;
    return pid !== undefined && isAlive(pid) ? pid : null;
  }

  /** The process id of the engine that it has started. */
  get engine(): number | null {
    return this.pid === null ? null : findChild(this.pid, 'engine/engine');
  }

  /** The folder with the program that its next process runs. */
  get program(): string {
    return this.#program;
  }

  /** What it runs after its next start: other arguments, or the program of another folder. */
  become({ args = this.#args, program = this.#program }: { args?: readonly string[]; program?: string }): void {
    this.#args = args;
    this.#program = program;
  }

  /** One request and its response. @throws if the connection breaks */
  async call(...[method, path, body, headers = {}]: Request): Promise<Answer> {
    const { key } = this.#options;
    const isText = typeof body === 'string';
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.timeout(CALL_MS),
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  /** Waits until its page says that it is ready. */
  async ready(): Promise<void> {
    if (!(await this.isReadyWithin(READY_MS)))
      throw new Error(`${this.name} does not become ready: ${this.#log.slice(-4000)}`);
  }

  /** Waits for at most this time; returns whether it is ready, or ends for good. */
  async isReadyWithin(ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!(await this.#isReady()) && !this.#isStopping) {
      if (performance.now() > end) return false;
      await sleep(100);
    }
    return true;
  }

  async #isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }

  /** Kills the engine, the process that started it, or all processes, the engine first. False if there is none. */
  kill(which: 'engine' | 'parent' | 'all' = 'all'): boolean {
    const { pid, engine } = this;
    if (pid === null || (which === 'engine' && engine === null)) return false;
    if (which !== 'parent' && engine !== null) killDead(engine);
    if (which === 'all') for (const one of groupOf(this.#groups.at(-1)!)) killDead(one);
    if (which === 'parent') killDead(pid);
    return true;
  }

  /** Stops all its processes where they are; the returned function lets them go on. Null if there are none. */
  freeze(): (() => void) | null {
    if (this.pid === null) return null;
    const group = this.#groups.at(-1)!;
    process.kill(-group, 'SIGSTOP');
    return () => {
      try {
        process.kill(-group, 'SIGCONT');
      } catch {
        // killed meanwhile
      }
    };
  }

  /** Ends the process in an orderly way. It is restarted unless this is the end. Returns its exit code. */
  async leave(isEnd: boolean): Promise<number | null> {
    this.#isStopping ||= isEnd;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const late = new AbortController();
    const limit = sleep(END_MS, ['late'] as const, { signal: late.signal });
    limit.catch(() => {});
    const [code] = (await Promise.race([ended, limit])) as [number | null | 'late'];
    late.abort();
    if (code !== 'late') return code;
    this.kill();
    throw new Error(`${this.name} does not end within ${END_MS / 1000} s of SIGTERM`);
  }

  /** Its processes that are still there. */
  left(): number[] {
    return this.#groups.flatMap((group) => groupOf(group));
  }

  /** Kills all its processes, as the end of this process does. */
  readonly end = (): void => {
    process.off('exit', this.end);
    this.#isStopping = true;
    for (const pid of this.left()) killDead(pid);
  };

  /** The resources of the process and of its engine. */
  held(): Held {
    const pids = [this.pid, this.engine].filter((pid) => pid !== null);
    return {
      bytes: pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
      handles: pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    };
  }

  #spawn(): void {
    const { env, limits = {} } = this.#options;
    const child = spawn(process.execPath, ['scripts/run.mjs', ...fromSources(limits), ...this.#args], {
      cwd: this.#program,
      env: { ...process.env, METAHEAC_DEVICE: 'cpu', METAHEAC_LOG_LEVEL: 'warn', ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#starts += 1;
    this.#child = child;
    this.#groups.push(child.pid!);
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (data: Buffer) => {
        this.#log = (this.#log + data).slice(-KEPT_LOG);
      });
    child.once('exit', (code, signal) => {
      this.#log += `--- pid ${child.pid} ended with ${code ?? signal}\n`;
      setTimeout(() => {
        if (!this.#isStopping && this.#child === child) this.#spawn();
      }, RESTART_MS);
    });
  }
}

interface AloneOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  readonly threads: number;
}

/** A service on one machine: `metaheac serve` with these folders. */
export async function serveAlone(
  { dataDir, model, population, threads }: AloneOptions,
  given: Pick<MemberOptions, 'env' | 'limits'> = {},
): Promise<Member> {
  const port = await freePort();
  const flags = ['--data-dir', dataDir, '--model', model, '--population', population, '--port', String(port)];
  const args = ['serve', ...flags, '--threads', String(threads)];
  const member = new Member({ name: 'the service', args, url: `http://127.0.0.1:${port}`, ...given });
  await member.ready();
  return member;
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}
