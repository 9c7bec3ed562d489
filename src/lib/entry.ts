/** Entry points of child processes and threads, which are TypeScript in the sources and JavaScript in a build. */
import { extname } from 'node:path';

/** The module `name` beside the module whose `import.meta.url` is given, with the same extension. */
export function entryBeside(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${extname(importMetaUrl)}`, importMetaUrl);
}
