/** `npm run check:imports` refuses what each of its rules forbids. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, globSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from './files.ts';

/** What the check reads. */
const FOLDERS = ['src', 'packages', 'test', 'console/src'];
const CONFIG = '.dependency-cruiser.cjs';
/** From a planted file to what it imports, and on to what that imports: enough for the planted cycles. */
const DEPTH = '2';

interface Paths {
  readonly path?: string;
  readonly pathNot?: string;
}

interface Rule {
  readonly name: string;
  readonly from: Paths;
  readonly to: Paths;
}

const RULES: readonly Rule[] = createRequire(import.meta.url)(join(ROOT, CONFIG)).forbidden;

/** Imports that no pair of paths describes: their file, its text, and the rule that must refuse it. */
const SPECIAL: readonly (readonly [file: string, text: string, rule: string])[] = [
  ['src/http/planted-type.ts', "import type { G } from '../online/plan.ts';\nexport type H = G;", 'arrows-of-http'],
  ['src/http/planted-late.ts', "export const late = () => import('../online/plan.ts');", 'arrows-of-http'],
  ['src/training/planted-missing.ts', "export * from './nowhere.ts';", 'resolvable'],
  ['src/online/planted-a.ts', "import { b } from './planted-b.ts';\nexport const a = () => b;", 'no-cycles'],
  ['src/online/planted-c.ts', "import type { D } from './planted-d.ts';\nexport type C = D | null;", 'no-cycles'],
];
/** The other ends of the cycles, each of which is reported once, where it begins. */
const CYCLES = [
  ['src/online/planted-b.ts', "import { a } from './planted-a.ts';\nexport const b = () => a;"],
  ['src/online/planted-d.ts', "import type { C } from './planted-c.ts';\nexport type D = C | 1;"],
] as const;

const FILES = globSync(
  FOLDERS.map((folder) => `${folder}/**/*.{ts,tsx}`),
  { cwd: ROOT },
).sort();
const PACKAGES = ['package.json', 'console/package.json'].flatMap((path) => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  return Object.keys({ ...dependencies, ...devDependencies });
});

function includes({ path, pathNot }: Paths, file: string): boolean {
  return new RegExp(path!).test(file) && !(pathNot !== undefined && new RegExp(pathNot).test(file));
}

/** An import from a file of the rule's `from` to a file or package of its `to`. */
function forbiddenImport({ name, from, to }: Rule): readonly [file: string, text: string, rule: string] {
  const folders = [...new Set(FILES.map((file) => dirname(file))), 'src/newfolder'];
  const file = [...folders.map((folder) => `${folder}/planted-${name}.ts`), ...FILES].find((at) => includes(from, at));
  const target = [...FILES, ...PACKAGES.map((each) => `node_modules/${each}/`)].find((at) => includes(to, at));
  if (file === undefined || target === undefined) throw new Error(`${name} forbids nothing`);
  const isPackage = target.startsWith('node_modules/');
  const specifier = isPackage ? target.slice('node_modules/'.length, -1) : relative(dirname(file), target);
  return [file, `export * from '${isPackage || specifier.startsWith('.') ? '' : './'}${specifier}';`, name];
}

it('the import check refuses what each rule forbids', () => {
  const copy = temporaryFolder();
  for (const name of [
    ...new Set(FOLDERS.map((folder) => folder.split('/')[0]!)),
    CONFIG,
    'tsconfig.json',
    'package.json',
    'vitest.config.ts',
  ])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const special = new Set(SPECIAL.map(([, , rule]) => rule).filter((rule) => !rule.startsWith('arrows')));
  const planted = [...RULES.filter(({ name }) => !special.has(name)).map(forbiddenImport), ...SPECIAL];
  const changed = [...planted, ...CYCLES];
  for (const [file, text] of changed) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    appendFileSync(join(copy, file), `${text}\n`);
  }
  const tool = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const files = new Set(changed.map(([file]) => file));
  const args = [tool, '--config', CONFIG, '--output-type', 'json', '--max-depth', DEPTH, ...files];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser: ${stderr}`);
  const { violations } = JSON.parse(stdout).summary as { violations: { from: string; rule: Rule }[] };
  const seen = violations.map(({ from, rule }) => `${from}: ${rule.name}`);
  expect(seen).toEqual(expect.arrayContaining(planted.map(([file, , rule]) => `${file}: ${rule}`)));
});
