// Assembles src/adaptation/adam.wat into a module that TypeScript can import; with --check it only says whether that is
// up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openWabt from 'wabt';

const SOURCE = fileURLToPath(new URL('../src/adaptation/adam.wat', import.meta.url));
const OUT = fileURLToPath(new URL('../src/adaptation/adam-wasm.ts', import.meta.url));
const LINE = 100;

const wabt = await openWabt();
const module = wabt.parseWat('adam.wat', readFileSync(SOURCE, 'utf8'), { simd: true });
module.validate();
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')).map((line) => `  '${line}',`);
const wanted = [
  '/** adam.wat, assembled (npm run wasm). */',
  'export const ADAM_WASM = [',
  ...lines,
  "].join('');",
  '',
].join('\n');
if (!process.argv.includes('--check')) writeFileSync(OUT, wanted);
else if (!existsSync(OUT) || readFileSync(OUT, 'utf8') !== wanted) {
  console.error('src/adaptation/adam-wasm.ts is not what adam.wat says: npm run wasm');
  process.exitCode = 1;
} else console.log('adam-wasm.ts is what adam.wat says');
