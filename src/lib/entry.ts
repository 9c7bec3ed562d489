/** Entry points of child processes and threads: from the TypeScript sources through tsx, from a build as they are. */

export interface EntryPoint {
  readonly url: URL;
  readonly execArgv: readonly string[];
}

/** The module `name` beside the module whose `import.meta.url` is given. */
export function entryBeside(importMetaUrl: string, name: string): EntryPoint {
  const isSource = importMetaUrl.endsWith('.ts');
  return {
    url: new URL(`./${name}.${isSource ? 'ts' : 'js'}`, importMetaUrl),
    execArgv: isSource ? ['--import', import.meta.resolve('tsx')] : [],
  };
}
