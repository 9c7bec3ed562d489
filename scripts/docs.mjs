// Writes the generated parts of docs/, which are between two markers; with --check it only checks whether they are up
// to date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { settingsTables } from '../src/service/settings/settings-tables.ts';

/** The parts of each file by the names of their markers. */
const GENERATED = { 'docs/settings.md': settingsTables(), 'docs/onnx-grad.md': examples() };

for (const [path, parts] of Object.entries(GENERATED)) {
  const url = new URL(`../${path}`, import.meta.url);
  const before = readFileSync(url, 'utf8');
  let after = before;
  for (const [name, text] of Object.entries(parts)) {
    const [start, end] = [`<!-- generated: ${name} (npm run docs) -->`, `<!-- end of ${name} -->`];
    const [from, to] = [after.indexOf(start), after.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${path} has no place for "${name}": ${start} .. ${end}`);
    after = `${after.slice(0, from)}${start}\n\n${text}\n\n${after.slice(to)}`;
  }
  if (!process.argv.includes('--check')) writeFileSync(url, after);
  else if (after === before) console.error(`${path} is up to date`);
  else {
    console.error(`${path} is out of date: run npm run docs`);
    process.exitCode = 1;
  }
}

/** The examples of onnx-grad as blocks of code, which import the package as its users do. */
function examples() {
  const folder = new URL('../packages/onnx-grad/examples/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  const codeOf = (name) => readFileSync(new URL(name, folder), 'utf8').replace("'../index.ts'", "'onnx-grad'");
  return Object.fromEntries(names.map((name) => [name, `\`\`\`ts\n${codeOf(name)}\`\`\``]));
}
