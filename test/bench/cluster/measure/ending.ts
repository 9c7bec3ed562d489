/** The end of a benchmark: processes are ended and folders removed, also after an error or a signal. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class Ending {
  readonly #steps: (() => unknown)[] = [];
  readonly #leaders = new Set<ChildProcess>();
  readonly #parts: Ending[] = [];

  /** `step` runs at the end; what was deferred last runs first. */
  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** A folder that is removed at the end. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'metaheac-bench-'));
    this.defer(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Kills the process, which leads a process group, with its group at the end. */
  own(leader: ChildProcess): void {
    this.#leaders.add(leader);
    this.defer(async () => {
      const isAlive = leader.exitCode === null && leader.signalCode === null;
      const ended = isAlive ? once(leader, 'exit') : null;
      killGroup(leader);
      this.#leaders.delete(leader);
      await ended;
    });
  }

  /** Runs `use` with an ending of its own, which is part of this one. */
  async within<T>(use: (ending: Ending) => Promise<T>): Promise<T> {
    const ending = new Ending();
    this.defer(() => ending.run());
    this.#parts.push(ending);
    try {
      return await use(ending);
    } finally {
      await ending.run();
    }
  }

  /** Kills what is left, without waiting for anything. */
  abandon(): void {
    for (const leader of this.#leaders) killGroup(leader);
    for (const part of this.#parts) part.abandon();
  }

  /** Ends and removes everything. Throws the first error, after all steps have run. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** Runs `use`, then the ending. A signal ends the process after the ending. */
export async function withEnding<T>(use: (ending: Ending) => Promise<T>): Promise<T> {
  const ending = new Ending();
  const abandon = () => ending.abandon();
  let isInterrupted = false;
  const interrupt = (signal: NodeJS.Signals) => {
    isInterrupted = true;
    void ending.run().finally(() => process.exit(128 + constants.signals[signal]));
  };
  process.once('exit', abandon);
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    return await use(ending);
  } finally {
    // what fails because its processes were ended is no news
    if (isInterrupted) await new Promise(() => {});
    await ending.run();
    for (const signal of SIGNALS) process.off(signal, interrupt);
    process.off('exit', abandon);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {
    // all its processes have ended
  }
}
