/** A node or an engine of the cluster, restarted whenever it ends, as by a supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../../../src/service/limits.ts';
import { groupOf, isAlive, killDead } from '../../fixture/processes.ts';
import { fromSources } from '../../fixture/sources.ts';

/** A supervisor waits before it restarts a process that has just ended. */
const RESTART_MS = 500;
const READY_MS = 120_000;
const END_MS = 40_000;
const KEPT_LOG = 1 << 20;

export interface MemberOptions {
  readonly name: string;
  /** Words before the command, for a process on a host of its own. */
  readonly within: readonly string[];
  /** The folder of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: Partial<Limits>;
  /** Base URL of its pages. */
  readonly url: string;
}

export class Member {
  readonly name: string;
  readonly url: string;
  readonly #options: MemberOptions;
  readonly #groups: number[] = [];
  #args: readonly string[];
  #program: string;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #starts = 0;
  #log = '';

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.url = options.url;
    this.#options = options;
    this.#args = options.args;
    this.#program = options.program;
    this.#spawn();
  }

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

  /** The folder with the program that its next process runs. */
  get program(): string {
    return this.#program;
  }

  /** What it runs after its next start: other arguments, or the program of another folder. */
  become({ args = this.#args, program = this.#program }: Partial<Pick<MemberOptions, 'args' | 'program'>>): void {
    this.#args = args;
    this.#program = program;
  }

  /** Waits until its page says that it is ready. */
  async ready(): Promise<void> {
    if (!(await this.isReadyWithin(READY_MS)))
      throw new Error(`${this.name} does not become ready: ${this.#log.slice(-4000)}`);
  }

  /** Waits for at most this time; returns whether it is ready, or ends for good. */
  async isReadyWithin(ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while ((await this.#status()) !== 200 && !this.#isStopping) {
      if (performance.now() > end) return false;
      await sleep(100);
    }
    return true;
  }

  async #status(): Promise<number> {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${this.url}/readyz`, { signal }).catch(() => null);
    await answer?.body?.cancel();
    return answer?.status ?? 0;
  }

  /** False if there is no process at the moment. */
  kill(): boolean {
    const { pid } = this;
    if (pid === null) return false;
    for (const one of groupOf(this.#groups.at(-1)!)) killDead(one);
    return true;
  }

  /** Stops all its processes where they are; the returned function lets them go on. Null if there are none. */
  freeze(): (() => void) | null {
    const { pid } = this;
    if (pid === null) return null;
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

  /** Ends all its processes; returns how many of its processes had outlived it. */
  end(): number {
    this.#isStopping = true;
    const left = this.#groups.flatMap((group) => groupOf(group));
    for (const pid of left) killDead(pid);
    return left.length;
  }

  #spawn(): void {
    const { within, env, limits } = this.#options;
    const words = [...within, process.execPath, 'scripts/run.mjs', ...fromSources(limits), ...this.#args];
    const child = spawn(words[0]!, words.slice(1), {
      cwd: this.#program,
      env: { ...process.env, METAHEAC_LOG_LEVEL: 'warn', ...env },
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
