/** Checks of JSON text before and after parsing: its depth, and names that no object may have. */
import secureJson from 'secure-json-parse';
import { AppError } from '../../../lib/errors.ts';
import { jsonPointer } from '../../../lib/json-pointer.ts';
import { findJsonFault } from './json-names.ts';

/** Maximum depth of nested lists and objects: no body of this API needs more than 5. */
export const MAXIMUM_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in one bit, as do `]` and `}`. */
const OPENING = 0x5b;
const CLOSING = 0x5d;
const CURLY_BIT = 0x20;

/**
 * Parses text that is known to be valid UTF-8.
 * @throws AppError invalid_request (not JSON, too deep, or an object has the key `__proto__`, or `constructor` with
 * `prototype` in it: these have a special meaning in JavaScript)
 */
export function parseJson(bytes: Buffer, text: string): unknown {
  if (isTooDeep(bytes)) {
    const message = `lists and objects may be nested up to ${MAXIMUM_JSON_DEPTH} deep`;
    throw new AppError('invalid_request', message, { details: [{ pointer: '', limit: MAXIMUM_JSON_DEPTH, message }] });
  }
  try {
    return secureJson.parse(text);
  } catch (cause) {
    // if the text is valid JSON, it has a forbidden name: finds where
    refuseForbidden(parseAny(text), '');
    throw cause;
  }
}

function parseAny(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid_request', 'the body is not valid JSON', { cause });
  }
}

/** A line of NDJSON: its value, or a sentence that says what is wrong. */
export function parseJsonLine(line: string): { readonly value?: unknown; readonly fault?: string } {
  if (line.length > LONG_LINE && isTooDeep(Buffer.from(line)))
    return { fault: `lists and objects may be nested up to ${MAXIMUM_JSON_DEPTH} deep` };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { fault: 'the line is not JSON' };
  }
  // a single string has no names and, without escapes, no surrogates to check
  if (typeof value === 'string' && !line.includes('\\')) return { value };
  const found = findJsonFault(line, value);
  return found === null ? { value } : { fault: `${found.pointer}${found.pointer && ': '}${found.message}` };
}

/** In characters: a line up to this length cannot be nested deeply enough for a recursive walk to fail. */
const LONG_LINE = 1024;

/** Throws if an object has a forbidden name. The depth must have been checked before. */
function refuseForbidden(value: unknown, pointer: string): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, field] of Object.entries(value)) {
    const at = pointer + jsonPointer(name);
    if (name === '__proto__' || (name === 'constructor' && hasPrototype(field))) {
      const message = `no object may have the field ${name}`;
      throw new AppError('invalid_request', `the body is not valid: ${at}: ${message}`, {
        details: [{ pointer: at, message }],
      });
    }
    refuseForbidden(field, at);
  }
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

/**
 * Scans byte by byte, because parsing text nested a million levels deep takes seconds. The result for text that is not
 * JSON is arbitrary.
 */
function isTooDeep(bytes: Buffer): boolean {
  // a text with fewer opening brackets cannot be nested deeper
  if (countUpTo(bytes, OPENING) + countUpTo(bytes, OPENING | CURLY_BIT) <= MAXIMUM_JSON_DEPTH) return false;
  let depth = 0;
  let isText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (isText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if ((byte & ~CURLY_BIT) === OPENING) {
      depth += 1;
      if (depth > MAXIMUM_JSON_DEPTH) return true;
    } else if ((byte & ~CURLY_BIT) === CLOSING) depth -= 1;
  }
  return false;
}

/** Number of occurrences of a byte; stops counting beyond the maximum depth. */
function countUpTo(bytes: Buffer, byte: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0 && count <= MAXIMUM_JSON_DEPTH; at = bytes.indexOf(byte, at + 1)) count++;
  return count;
}
