/** Whoever runs the cluster: commands on a host of their own. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CAN_UNSHARE, UNSHARE } from '../../fixture/unshare.ts';
import type { Site } from './network.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PATIENCE_MS = 120_000;
const PAUSE_MS = 500;

export interface OperatorOptions {
  readonly site: Site;
  /** Variables that name the cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder for files of commands. */
  readonly folder: string;
}

export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /**
   * A command in its own PID namespace, if the machine allows that, repeated until it succeeds: the storage may be busy.
   * Returns its output. @throws the error of the last attempt
   */
  async run(...args: readonly string[]): Promise<string> {
    const { site, env } = this.#options;
    const unshare = CAN_UNSHARE ? UNSHARE : [];
    const words = [...site.within, ...unshare, process.execPath, 'scripts/run.mjs', 'src/cli/main.ts', ...args];
    const options = { cwd: ROOT, env: { ...process.env, ...env } };
    for (const end = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
      try {
        return (await promisify(execFile)(words[0]!, words.slice(1), options)).stdout;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }

  /** Erases a user everywhere. */
  async erase(user: string): Promise<void> {
    const ids = join(this.#options.folder, 'ids.txt');
    writeFileSync(ids, `${user}\n`);
    await this.run('population', 'erase', '--ids', ids);
  }
}
