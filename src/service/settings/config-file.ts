/** Reads a configuration file (YAML) with one key per setting. Only this module imports yaml. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';
import { messageOf, UsageError } from '../../lib/errors.ts';
import { nearestName } from './did-you-mean.ts';
import { ALL_NAMES, SETTINGS } from './setting-list.ts';

/** Maximum size of a configuration file. */
const MAXIMUM_BYTES = 1024 * 1024;

/** A setting in the file. */
export interface FileEntry {
  readonly key: string;
  /** The value, as text in the format of a variable; paths are absolute. */
  readonly text: string;
  /** Line number of the setting, from 1. */
  readonly line: number;
}

/**
 * Reads the settings of a file, in order, without checking values. Relative paths are relative to the folder of the
 * file. @throws UsageError that names the file and, for an invalid setting, its line and key. Errors do not repeat
 * values, which may be secrets.
 */
export function readConfigFile(path: string): readonly FileEntry[] {
  const lines = new LineCounter();
  // the option `prettyErrors` would quote the text in error messages
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false });
  const lineOf = (node: Node | null): number => lines.linePos(node?.range?.[0] ?? 0).line;
  const [error] = document.errors;
  if (error !== undefined) throw refused(`${path}:${lines.linePos(error.pos[0]).line}`, faultOf(error.code));
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isMap(contents)) throw refused(`${path}:${lineOf(contents)}`, 'expected lines of the form "key: value"');
  return contents.items.map(({ key, value }) => {
    const at = `${path}:${lineOf(key as Node)}`;
    const name = isScalar(key) ? String(key.value) : '';
    if (!ALL_NAMES.some((names) => names.key === name)) throw unknownKey(at, name);
    return { key: name, line: lineOf(key as Node), text: textOf(value as Node | null, name, at, path) };
  });
}

function readText(path: string): string {
  let size: number;
  try {
    size = statSync(path).size;
    if (size <= MAXIMUM_BYTES) return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`configuration file ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  throw refused(path, `the file has ${size} bytes; the maximum for a configuration file is ${MAXIMUM_BYTES}`);
}

function textOf(value: Node | null, key: string, at: string, path: string): string {
  const setting = SETTINGS.find((one) => one.key === key);
  if (isSeq(value)) {
    if (!setting?.isList) throw refused(at, `${key} must be a single value, not a list`);
    return value.items.map((item) => scalarText(item as Node | null, key, at)).join(',');
  }
  const text = scalarText(value, key, at);
  // all other keys name files with secrets, so the values are paths
  const isPath = setting?.isPath ?? ALL_NAMES.some((names) => names.key === key);
  return isPath && text !== '' ? resolve(dirname(path), text) : text;
}

function scalarText(value: Node | null, key: string, at: string): string {
  if (!isScalar(value)) throw refused(at, `${key} must be a plain value`);
  if (value.value === null) throw refused(at, `${key} has no value: remove the line to use the default`);
  // numbers are kept as written, so that `0x50` and `1e3` are refused, as in flags and variables
  return typeof value.value === 'number' ? ((value as Scalar).source ?? String(value.value)) : String(value.value);
}

function unknownKey(at: string, name: string): UsageError {
  const nearest = nearestName(
    name,
    ALL_NAMES.map(({ key }) => key),
  );
  const rest = nearest === null ? ': docs/settings.md lists all keys' : `: did you mean "${nearest}"?`;
  return refused(at, `unknown key "${name.slice(0, 80)}"${rest}`);
}

/** Explains an error code of the parser, whose own messages quote the text. */
function faultOf(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key appears twice in the file';
  if (code === 'TAB_AS_INDENT') return 'a line is indented by a tab: use spaces';
  if (code === 'BAD_INDENT') return 'the line is indented differently from the lines before it';
  return `not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

function refused(at: string, what: string): UsageError {
  return new UsageError(`${at}: ${what}`);
}
