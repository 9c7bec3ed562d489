/** The project's own files, for tests that read them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = ['node_modules', 'dist', 'coverage', 'generated'];

/** Paths below the root of files that end in `ending`, without what is hidden, installed or built. */
export function filesOf(ending: string, folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || SKIPPED.includes(entry.name)) return [];
    if (entry.isDirectory()) return filesOf(ending, path);
    return entry.isFile() && entry.name.endsWith(ending) ? [path] : [];
  });
}
