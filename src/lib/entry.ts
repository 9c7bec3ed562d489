/** Entry points of child processes and threads, which are TypeScript in the sources and JavaScript in a build. */
import { extname } from 'node:path';

/**
 * The URL of the module `name` beside the calling module, whose `import.meta.url` is given; both have the same
 * extension.
 */
export function entryBeside(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${extname(importMetaUrl)}`, importMetaUrl);
}
