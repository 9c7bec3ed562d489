/** Runs a command line in this process: the same program, without the start of another. */
import { Writable } from 'node:stream';
import { runProgram } from '../../src/cli/program.ts';

/** What a person sees of a command. */
export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One after the other, as exit code and environment are the process's. */
let last: Promise<unknown> = Promise.resolve();

export function metaheac(...args: string[]): Promise<Result> {
  return metaheacWith({}, ...args);
}

/** With these environment variables more. */
export function metaheacWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Result> {
  const result = last.then(() => run(env, args));
  last = result.catch(() => {});
  return result;
}

async function run(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Result> {
  const [stdout, stderr] = [new Collected(), new Collected()];
  const before = { env: { ...process.env }, exitCode: process.exitCode };
  try {
    Object.assign(process.env, env);
    process.exitCode = undefined;
    const code = await runProgram(args, stdout, stderr);
    return { status: code === 0 ? Number(process.exitCode ?? 0) : code, stdout: stdout.text, stderr: stderr.text };
  } finally {
    process.exitCode = before.exitCode;
    for (const name of Object.keys(env)) {
      if (before.env[name] === undefined) delete process.env[name];
      else process.env[name] = before.env[name];
    }
  }
}

class Collected extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
