// `npm run release`: rehearses a release, as far as that is possible without publishing. Refuses uncommitted changes and
// files with different versions; fills release/ with the tarballs, their SBOMs (CycloneDX) and SHA256SUMS; asks npm
// whether it would publish the tarballs; and runs the tests of tarballs on them, under Node 24 and 26.
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentUnder, fetchVersion, programIn, spawnNpm } from './node.mjs';
import { versionsIn } from './versions.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'release');
/** Folders of packages/ that are published on their own. */
const LIBRARIES = globSync('packages/*/package.json', { cwd: ROOT }).map((path) => basename(dirname(path)));
const MAJORS = ['24', '26'];

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** npm installs `latest` unless another tag is named. */
const TAG = version.includes('-') ? 'rc' : 'latest';

step('one version, nothing uncommitted');
const changed = output('git', ['status', '--porcelain']);
const others = versionsIn(ROOT).filter((each) => each.version !== version);
if (changed !== '') fail(`uncommitted changes:\n${changed}`);
if (others.length > 0)
  fail(others.map((each) => `${each.path} has version ${each.version}, not ${version}`).join('\n'));

step('tarballs and SBOMs');
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
npm(ROOT, 'pack', '--silent', '--pack-destination', OUT);
cpSync(join(ROOT, 'dist/sbom.cdx.json'), join(OUT, `metaheac-${version}.cdx.json`));
for (const name of LIBRARIES) packLibrary(name);
const files = readdirSync(OUT).sort();
const sums = files.map((file) => `${hash('sha256', readFileSync(join(OUT, file)))}  ${file}\n`);
writeFileSync(join(OUT, 'SHA256SUMS'), sums.join(''));
process.stdout.write(sums.join(''));

const tarballs = files.filter((file) => file.endsWith('.tgz'));
for (const tarball of tarballs) {
  step(`npm publish ${tarball}, dry run`);
  const said = npm(OUT, 'publish', `./${tarball}`, '--dry-run', '--tag', TAG, '--loglevel=notice');
  process.stdout.write(said.slice(said.indexOf('npm notice Tarball Details')));
  if (/auto-corrected/.test(said)) fail('npm corrects the manifest: run npm pkg fix');
}

for (const major of MAJORS) {
  step(`installed and used under Node ${major}`);
  const node = programOf(major);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  run(node, [vitest, 'run', '--project', 'slow', 'test/scripts/pack'], {
    stdio: 'inherit',
    env: { ...environmentUnder(node), RELEASED_TARBALLS: OUT },
  });
}
console.log(`\n${OUT} has release ${version}. CONTRIBUTING.md, "Releases", has the next steps.`);

function packLibrary(name) {
  npm(ROOT, 'run', '--silent', `build:${name}`);
  const built = join(ROOT, 'dist', name);
  const tarball = npm(built, 'pack', '--silent', '--pack-destination', OUT).trim();
  npm(built, 'install', '--package-lock-only', '--no-audit');
  const bill = npm(built, 'sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'library');
  writeFileSync(join(OUT, tarball.replace('.tgz', '.cdx.json')), bill);
}

/** Returns the program of this Node, or of one that is downloaded into .node/ once. */
function programOf(major) {
  if (process.versions.node.split('.')[0] === major) return process.execPath;
  const folder = join(ROOT, '.node', major);
  return existsSync(programIn(folder)) ? programIn(folder) : fetchVersion(ROOT, major, folder);
}

/** Returns what npm prints, with its warnings if it publishes. */
function npm(cwd, ...args) {
  const { status, stdout, stderr } = spawnNpm(args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) fail(`npm ${args.join(' ')}\n${stdout}${stderr}`);
  return args[0] === 'publish' ? stdout + stderr : stdout;
}

function output(command, args) {
  return run(command, args, { encoding: 'utf8' }).stdout;
}

function run(command, args, options) {
  const result = spawnSync(command, args, { cwd: ROOT, ...options });
  if (result.status !== 0) fail(`${command} ${args.join(' ')} failed\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  return result;
}

function step(title) {
  console.log(`\n== ${title}`);
}

function fail(why) {
  console.error(`No release: ${why}`);
  process.exit(1);
}
