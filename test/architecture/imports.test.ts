/** `npm run check:imports` fails for each kind of forbidden import. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from './files.ts';

/** What is checked. */
const FOLDERS = ['src', 'packages', 'test', 'console/src'];

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

/** Files that are planted, one for each kind of rule: their text, and the rule that must refuse it; null where none may. */
const PLANTED: readonly (readonly [file: string, text: string, rule: string | null])[] = [
  ['src/lib/planted.ts', "export * from '../model/folder.ts';", 'arrows-of-lib'],
  ['packages/onnx-grad/src/planted.ts', "export * from '../../../src/model/folder.ts';", 'arrows-of-onnx-grad'],
  [
    'src/online/planted-graph.ts',
    "export * from '../../packages/onnx-grad/src/graph/ir.ts';",
    'one-door-into-onnx-grad',
  ],
  ['src/domain/planted.ts', "export * from '../audience/page.ts';", 'arrows-of-domain'],
  [
    'src/http/planted-type.ts',
    "import type { Graph } from '../../packages/onnx-grad/index.ts';\nexport type G = Graph;",
    'arrows-of-http',
  ],
  ['src/http/planted-service.ts', "export * from '../service/paths.ts';", 'http-imports-ports-of-service-only'],
  ['src/http/planted-late.ts', "export const late = () => import('../online/plan.ts');", 'arrows-of-http'],
  [
    'src/engine/planted-store.ts',
    "export * from '../storage/open-store.ts';",
    'stores-are-opened-where-things-are-wired',
  ],
  ['src/cli/planted-adapter.ts', "export * from '../storage/sqlite/adapter.ts';", 'one-door-to-the-adapters-of-stores'],
  ['src/online/planted-ort.ts', "export { Tensor } from 'onnxruntime-node';", 'one-door-for-onnxruntime-node'],
  ['src/population/planted-tables.ts', "export * from './tables/parquet-users.ts';", 'tables-are-loaded-late'],
  ['src/engine/planted-rows.ts', "export * from '../population/read/gather.ts';", 'one-door-a-verb-into-population'],
  ['src/engine/planted-telemetry.ts', "export * from '../lib/telemetry/open.ts';", 'telemetry-is-loaded-late'],
  ['src/training/planted-missing.ts', "export * from './nowhere.ts';", 'resolvable'],
  ['src/cli/planted-test.ts', "export * from '../../test/plain-line-reporter.ts';", 'sources-never-import-tests'],
  ['src/online/planted-a.ts', "import { b } from './planted-b.ts';\nexport const a = () => b;", 'no-cycles'],
  ['src/online/planted-b.ts', "import { a } from './planted-a.ts';\nexport const b = () => a;", null], // reported once, where it begins
  ['src/online/planted-c.ts', "import type { D } from './planted-d.ts';\nexport type C = D | null;", 'no-cycles'],
  ['src/online/planted-d.ts', "import type { C } from './planted-c.ts';\nexport type D = C | 1;", null],
  ['console/src/ui/planted.tsx', "export * from '../api/session.ts';", 'console-ui-imports-what-it-may'],
  ['console/src/planted.ts', "export * from '../../src/lib/errors.ts';", 'the-console-is-a-project-of-its-own'],
  ['src/http/planted-console.ts', "export * from '../../console/src/router.ts';", 'nothing-imports-the-console'],
  ['src/newfolder/planted.ts', "export * from '../lib/errors.ts';", 'every-folder-has-its-arrows'],
];

function violations(root: string): readonly Violation[] {
  const tool = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [tool, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...FOLDERS];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser: ${stderr}`);
  return JSON.parse(stdout).summary.violations;
}

/** A copy of the tree in which all files are planted. */
function plantedTree(): string {
  const copy = temporaryFolder();
  for (const name of [
    'src',
    'packages',
    'test',
    'console',
    '.dependency-cruiser.cjs',
    'tsconfig.json',
    'package.json',
    'vitest.config.ts',
  ])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of PLANTED) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), `${text}\n`);
  }
  return copy;
}

it('the import check reports each forbidden import by its rule, and nothing else', () => {
  const seen = violations(plantedTree()).map(({ from, rule }) => `${from}: ${rule.name}`);
  expect([...new Set(seen)].sort()).toEqual(
    PLANTED.flatMap(([file, , rule]) => (rule === null ? [] : [`${file}: ${rule}`])).sort(),
  );
});
