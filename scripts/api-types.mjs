// Generates the types of the API for packages/client and the console, where they are missing or older than openapi.yaml.
// They are not committed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = join(ROOT, 'openapi.yaml');
const [OF_CLIENT, OF_CONSOLE] = ['packages/client', 'console'].map((folder) =>
  join(ROOT, folder, 'generated/openapi.d.ts'),
);

export function ensureApiTypes() {
  if ([OF_CLIENT, OF_CONSOLE].every((path) => existsSync(path) && statSync(path).mtimeMs > statSync(SOURCE).mtimeMs))
    return;
  const generator = join(ROOT, 'node_modules/openapi-typescript/bin/cli.js');
  const args = [generator, SOURCE, '--output', OF_CLIENT];
  const { status, error } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`openapi-typescript failed: ${error?.message ?? 'see above'}`);
  mkdirSync(dirname(OF_CONSOLE), { recursive: true });
  copyFileSync(OF_CLIENT, OF_CONSOLE);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureApiTypes();
