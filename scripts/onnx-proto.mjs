// Generates packages/onnx-grad/src/onnx/generated/onnx_pb.ts from packages/onnx-grad/src/onnx/onnx.proto, ONNX's own
// definition of its files; with --check it only checks whether it is up to date. Nothing is downloaded: buf compiles,
// and protoc-gen-es writes TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = 'packages/onnx-grad/src/onnx/onnx.proto';
const OUT = 'packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
/** Node runs the output without a build, so its enums are constant objects. */
const OPTIONS = ['target=ts', 'import_extension=ts', 'erasable_syntax=true'];

const COLUMNS = 120;
/** Columns of a part of the file descriptor, which is one string of thousands of characters. */
const PART = 100;

const wanted = generate();
if (!process.argv.includes('--check')) writeFileSync(join(ROOT, OUT), wanted);
else if (!existsSync(join(ROOT, OUT)) || readFileSync(join(ROOT, OUT), 'utf8') !== wanted) {
  console.error(`${OUT} is out of date with ${SOURCE}: run npm run onnx`);
  process.exitCode = 1;
} else console.log(`${OUT} is up to date`);

function generate() {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-proto-'));
  try {
    const plugin = { local: [process.execPath, commandOf('protoc-gen-es')], out: folder, opt: OPTIONS };
    const { error, status, stderr } = spawnSync(
      process.execPath,
      [
        commandOf('buf'),
        'generate',
        dirname(SOURCE),
        '--template',
        JSON.stringify({ version: 'v2', plugins: [plugin] }),
      ],
      // buf needs a cache folder, which stays empty for a file without dependencies
      { cwd: ROOT, encoding: 'utf8', env: { ...process.env, BUF_CACHE_DIR: join(folder, 'cache') } },
    );
    if (status !== 0) throw new Error(`buf cannot compile ${SOURCE}: ${error?.message ?? stderr}`);
    const lines = readFileSync(join(folder, 'onnx_pb.ts'), 'utf8').split('\n');
    return lines.flatMap((line) => (line.length > COLUMNS ? wrap(line) : [line])).join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Breaks a long line: a comment between words, the file descriptor into strings that are joined. Others stay. */
function wrap(line) {
  const [, start, text] = /^( *\* ?)(.*)$/.exec(line) ?? [];
  if (text !== undefined) {
    const parts = text.match(new RegExp(`.{1,${COLUMNS - start.length}}(?: |$)`, 'g'));
    return parts.map((part) => start + part.trimEnd());
  }
  const [, call, descriptor, end] = /^( *fileDesc\(")([^"]*)(".*)$/.exec(line) ?? [];
  if (descriptor === undefined) return [line];
  return (call + descriptor.match(new RegExp(`.{1,${PART}}`, 'g')).join('" +\n    "') + end).split('\n');
}

/** Returns the path of a command of @bufbuild. */
function commandOf(name) {
  const manifest = createRequire(import.meta.url).resolve(`@bufbuild/${name}/package.json`);
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin[name]);
}
