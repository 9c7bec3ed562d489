// Writes the table of ops in packages/onnx-grad/README.md, between its markers; with --check it only checks whether the
// table is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMPOSITES } from '../packages/onnx-grad/src/composites/table.ts';
import { hasConversion, NEWEST_OPSET, OLDEST_OPSET } from '../packages/onnx-grad/src/onnx/convert-opset.ts';
import { OPS } from '../packages/onnx-grad/src/ops/table.ts';
import { markdownTable } from '../src/lib/text/tables.ts';

const README = fileURLToPath(new URL('../packages/onnx-grad/README.md', import.meta.url));
const [BEGIN, END] = ['<!-- ops: written by npm run ops -->', '<!-- end of ops -->'];
/** The first opset of each op that ONNX added after the oldest supported opset. */
const SINCE = {
  CastLike: 15,
  Gelu: 20,
  GroupNormalization: 18,
  HardSwish: 14,
  LayerNormalization: 17,
  Mish: 18,
  Trilu: 14,
};

const gradientOf = ({ gradient }) =>
  typeof gradient === 'function' ? 'yes' : gradient === 'none' ? 'none' : `refused: ${gradient.refused}`;
const opsetsOf = (op) => `${SINCE[op] ?? OLDEST_OPSET} to ${NEWEST_OPSET}${hasConversion(op) ? ', converted' : ''}`;
const rows = [
  ...Object.entries(OPS).map(([op, spec]) => [op, opsetsOf(op), gradientOf(spec)]),
  ...Object.keys(COMPOSITES).map((op) => [op, opsetsOf(op), 'derived from its parts']),
].sort(([a], [b]) => (a < b ? -1 : 1));
const table = markdownTable(['op', 'opsets', 'gradient'], rows);

const text = readFileSync(README, 'utf8');
const [before, rest] = text.split(BEGIN);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error(`${README} lacks the markers ${BEGIN} and ${END}`);
const wanted = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
if (!process.argv.includes('--check')) writeFileSync(README, wanted);
else if (wanted !== text) {
  console.error('The table of ops in packages/onnx-grad/README.md is out of date: run npm run ops');
  process.exitCode = 1;
} else console.log('the table of ops is up to date');
