/** Whoever runs the service: commands in a PID namespace of their own, as in another container or on another host. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ROOT } from '../fixture/projects.ts';
import { CAN_UNSHARE, UNSHARE } from '../fixture/unshare.ts';

const PATIENCE_MS = 120_000;
const PAUSE_MS = 500;

interface OperatorOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A folder for files of commands. */
  readonly folder: string;
}

export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /**
   * A command, repeated until it succeeds: a disk may be full, a database or the storage busy. Returns its output.
   * @throws the error of the last attempt
   */
  async run(...args: readonly string[]): Promise<string> {
    const { env } = this.#options;
    const words = [...(CAN_UNSHARE ? UNSHARE : []), process.execPath, 'scripts/run.mjs', 'src/cli/main.ts', ...args];
    const options = { cwd: ROOT, env: { ...process.env, ...env } };
    for (const end = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
      try {
        return (await promisify(execFile)(words[0]!, words.slice(1), options)).stdout;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }

  /** Erases a user; `where` are the command's other arguments. */
  async erase(user: string, ...where: readonly string[]): Promise<void> {
    const ids = join(this.#options.folder, 'ids.txt');
    writeFileSync(ids, `${user}\n`);
    await this.run('population', 'erase', ...where, '--ids', ids);
  }
}
