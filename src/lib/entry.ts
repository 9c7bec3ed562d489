/** Entry points of child processes and threads: from the TypeScript sources through tsx, from a build directly. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Forks the module `name` next to the module whose `import.meta.url` is given. */
export function forkBeside(importMetaUrl: string, name: string, options: ForkOptions): ChildProcess {
  const { url, isSource } = beside(importMetaUrl, name);
  return fork(fileURLToPath(url), [], {
    ...options,
    execArgv: [...(options.execArgv ?? []), ...(isSource ? ['--import', import.meta.resolve('tsx')] : [])],
  });
}

/** Starts the module `name` next to the module whose `import.meta.url` is given, as a thread. */
export function startThreadBeside(importMetaUrl: string, name: string, options: WorkerOptions): Worker {
  const { url, isSource } = beside(importMetaUrl, name);
  if (!isSource) return new Worker(url, options);
  // Node 20 does not apply the loader of `--import` to a thread's first module: a line of JavaScript registers it
  const register = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${register}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); })`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}

function beside(importMetaUrl: string, name: string): { url: URL; isSource: boolean } {
  const isSource = importMetaUrl.endsWith('.ts');
  return { url: new URL(`./${name}.${isSource ? 'ts' : 'js'}`, importMetaUrl), isSource };
}
