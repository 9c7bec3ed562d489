/** Entry points of child processes and threads, which are TypeScript in the sources and JavaScript in a build. */
import { extname } from 'node:path';

/** The URL of the module `name` in the folder of the module with this `import.meta.url`, with the same extension. */
export function entryBeside(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${extname(importMetaUrl)}`, importMetaUrl);
}
