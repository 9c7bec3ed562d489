#!/usr/bin/env node
/**
 * Verifies a receipt of metaheac offline, with nothing but Node: its signature, and the sha256 of the files that are
 * given. docs/receipts.md says how each hash is made.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const USAGE = `usage: verify-receipt.mjs RECEIPT --key KEY [files]

  --key FILE                what GET /v1/receipts/key answers, or the public key in PEM
  --seeds, --suppression    user ids, one per line in any order; a weight may follow a tab. A file
                            NAME.ndjson is read as an upload of seeds
  --set NAME=FILE           another user set, by its name in the receipt (repeatable)
  --model, --population     manifest.json of the model, population.json of the population version
  --scores, --order         scores.f32 and order.u32 of the ranking
  --parameters              customised.bin of the ranking`;

const FORMAT = 'metaheac-receipt/1';
const file = { type: 'string' };
const { values, positionals } = parse();
if (positionals.length !== 1 || values.key === undefined) end(USAGE, 2);

const { signature, ...statement } = readReceipt(positionals[0]);
const { inputs, outputs } = statement;
const checks = [['signature', isSigned()]];
const sets = (values.set ?? []).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]);
for (const name of ['seeds', 'suppression']) if (values[name] !== undefined) sets.push([name, values[name]]);
for (const [name, path] of sets) checks.push([name, sumOfSet(path) === inputs.sets[name]]);
if (values.model) checks.push(['model', sumOfManifest(values.model, ['version', 'created']) === inputs.model.sha256]);
if (values.population)
  checks.push(['population', sumOfManifest(values.population, ['version']) === inputs.population.sha256]);
for (const name of ['scores', 'order', 'parameters'])
  if (values[name] !== undefined) checks.push([name, sha256(readFileSync(values[name])) === outputs[name]]);
for (const [name, isRight] of checks) console.log(`${isRight ? 'ok      ' : 'DIFFERS '} ${name}`);
process.exitCode = checks.every(([, isRight]) => isRight) ? 0 : 4;

function parse() {
  const names = ['key', 'seeds', 'suppression', 'model', 'population', 'scores', 'order', 'parameters'];
  const options = { ...Object.fromEntries(names.map((name) => [name, file])), set: { ...file, multiple: true } };
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return end(`${error.message}\n\n${USAGE}`, 2);
  }
}

function end(message, code) {
  console.error(message);
  process.exit(code);
}

function readReceipt(path) {
  let receipt = null;
  try {
    receipt = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    end(`${path} cannot be read as JSON: ${error.message}`, 2);
  }
  return receipt?.format === FORMAT ? receipt : end(`${path} is not a receipt of the format ${FORMAT}`, 2);
}

/**
 * Whether the key signed the canonical JSON of the receipt without its signature. The signature contains nothing but
 * its algorithm, the id of this key, and its value in base64.
 */
function isSigned() {
  const text = readFileSync(values.key, 'utf8');
  const key = createPublicKey(text.startsWith('{') ? JSON.parse(text).public_key : text);
  const keyId = sha256(key.export({ type: 'spki', format: 'der' })).slice(0, 16);
  const bytes = Buffer.from(String(signature?.value), 'base64');
  const exact = { algorithm: 'Ed25519', key_id: keyId, value: bytes.toString('base64') };
  return canonical(signature) === canonical(exact) && verify(null, Buffer.from(canonical(statement)), key, bytes);
}

/** Canonical JSON (RFC 8785): no spaces, keys in the order of their UTF-16 code units. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

function sumOfManifest(path, leftOut) {
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  for (const name of leftOut) delete manifest[name];
  return sha256(canonical(manifest));
}

/**
 * The sha256 of the sorted distinct ids, each on a line. A weight other than 1 follows a tab; features follow the
 * weight and another tab.
 */
function sumOfSet(path) {
  if (/\.(csv|json|gz|parquet)$/i.test(path)) end(`${path}: text with one user id per line, or NDJSON, is expected`, 2);
  const rests = new Map();
  const read = path.endsWith('.ndjson') ? idOfUpload() : idOfLine;
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    if (line === '') continue;
    const [id, weight, features] = read(line);
    const isPlain = weight === 1 && features === undefined;
    rests.set(id, isPlain ? [] : [weight, ...(features === undefined ? [] : [features])]);
  }
  const isPlain = (id) => !/^$|^"|[\p{Cc}\p{Cs}]/u.test(id);
  const lineOf = (id) => `${[isPlain(id) ? id : JSON.stringify(id), ...rests.get(id)].join('\t')}\n`;
  return sha256([...rests.keys()].sort().map(lineOf).join(''));
}

function idOfLine(line) {
  const [id, weight, features] = line.split('\t');
  return [id.startsWith('"') ? JSON.parse(id) : id, Number(weight || '1'), features];
}

/** Reads the lines of an upload. A user without an id is named by the sha256 of the features and a number. */
function idOfUpload() {
  const numbers = new Map();
  return (line) => {
    const value = JSON.parse(line);
    const { user_id: id, weight = 1, features = null } = typeof value === 'string' ? { user_id: value } : value;
    if (features === null) return [id, weight];
    const text = canonical(features);
    const sum = sha256(text);
    if (id === undefined) numbers.set(sum, (numbers.get(sum) ?? 0) + 1);
    return [id ?? `row:${sum}:${numbers.get(sum)}`, weight, text];
  };
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}
