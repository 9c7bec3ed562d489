/** A node or an engine of the cluster, restarted whenever it ends, as by a supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Limits } from '../../../src/service/limits.ts';
import { groupOf, isAlive, killDead } from '../../fixture/processes.ts';
import { fromSources } from '../../fixture/sources.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** A supervisor waits before it restarts a process that has just ended. */
const RESTART_MS = 500;
const READY_MS = 120_000;
const END_MS = 30_000;
const KEPT_LOG = 1 << 20;

export interface MemberOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: Partial<Limits>;
  /** The port of a node's API; null for an engine. */
  readonly port: number | null;
}

export class Member {
  readonly name: string;
  readonly port: number | null;
  readonly #options: MemberOptions;
  readonly #groups: number[] = [];
  #child: ChildProcess | null = null;
  #isStopping = false;
  #starts = 0;
  #log = '';

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
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

  /** Waits until a node serves; an engine is not asked. */
  async ready(): Promise<void> {
    const end = performance.now() + READY_MS;
    while (this.port !== null && (await this.#status()) !== 200) {
      if (performance.now() > end) throw new Error(`${this.name} does not become ready: ${this.#log.slice(-4000)}`);
      await sleep(100);
    }
  }

  async #status(): Promise<number> {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`, { signal }).catch(() => null);
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

  /** Stops all its processes where they are, and lets them go on later. */
  async freeze(ms: number): Promise<boolean> {
    const { pid } = this;
    if (pid === null) return false;
    const group = this.#groups.at(-1)!;
    process.kill(-group, 'SIGSTOP');
    await sleep(ms);
    try {
      process.kill(-group, 'SIGCONT');
    } catch {
      // killed meanwhile
    }
    return true;
  }

  /** Ends the process in an orderly way. It is restarted unless this is the end. Returns its exit code. */
  async leave(isEnd: boolean): Promise<number | null> {
    this.#isStopping ||= isEnd;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = (await Promise.race([ended, sleep(END_MS).then(() => ['late'])])) as [number | null | 'late'];
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
    const { args, env, limits } = this.#options;
    const child = spawn(process.execPath, ['scripts/run.mjs', ...fromSources(limits), ...args], {
      cwd: ROOT,
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
