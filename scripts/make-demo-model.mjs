// Rebuilds models/demo: trains on campaigns of the synthetic world `demo`, with people other than the demo's. On the
// same machine the bytes are the same, except for `created`. `node scripts/make-demo-model.mjs [DIR]` writes it
// elsewhere.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DATA = [
  '--world',
  'demo',
  '--seed',
  '1',
  '--users',
  '20000',
  '--train-campaigns',
  '400',
  '--test-campaigns',
  '1',
];
// the demo's people have no history of past campaigns
const TRAINING = ['--name', 'demo', '--past-campaigns', 'never'];

const out = resolve(process.argv[2] ?? join(ROOT, 'models/demo'));
const folder = mkdtempSync(join(tmpdir(), 'metaheac-demo-model-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// Ctrl-C also reaches the training, which then saves its best model so far: this script waits for it
process.on('SIGINT', () => {});

function metaheac(...args) {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/run.mjs'), 'src/cli/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

metaheac('dataset', 'generate', '--out', join(folder, 'data'), ...DATA);
// into a new folder, which then replaces the old one: an interrupted training leaves models/demo unchanged
metaheac('train', '--data', join(folder, 'data'), '--out', join(folder, 'model'), '--device', 'cpu', ...TRAINING);
rmSync(out, { recursive: true, force: true });
cpSync(join(folder, 'model'), out, { recursive: true });
