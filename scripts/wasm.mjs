// Assembles the .wat files into modules that TypeScript can import; with --check it only checks whether they are up to
// date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import openWabt from 'wabt';

const SOURCES = [
  'packages/onnx-grad/src/adam/adam.wat',
  'packages/onnx-grad/src/descent/feature-products.wat',
  'src/online/regression/products.wat',
  'src/online/scoring/pools.wat',
];
const LINE = 100;

const wabt = await openWabt();
for (const source of SOURCES) {
  const out = source.replace('.wat', '-wasm.ts');
  const [from, to] = [source, out].map((path) => fileURLToPath(new URL(`../${path}`, import.meta.url)));
  const name = basename(source, '.wat');
  const module = wabt.parseWat(source, readFileSync(from, 'utf8'), { simd: true });
  module.validate();
  const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')).map((line) => `  '${line}',`);
  const wanted = [
    `/** ${name}.wat, assembled by \`npm run wasm\`. */`,
    `export const ${name.toUpperCase().replaceAll('-', '_')}_WASM = [`,
    ...lines,
    "].join('');",
    '',
  ].join('\n');
  if (!process.argv.includes('--check')) writeFileSync(to, wanted);
  else if (!existsSync(to) || readFileSync(to, 'utf8') !== wanted) {
    console.error(`${out} is out of date with ${source}: run npm run wasm`);
    process.exitCode = 1;
  } else console.log(`${out} is up to date`);
}
