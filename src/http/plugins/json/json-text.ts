/** Checks JSON text for its nesting depth before parsing, and for forbidden names after parsing. */
import secureJson from 'secure-json-parse';
import { AppError } from '../../../lib/errors.ts';
import { jsonPointer } from '../../../lib/json-pointer.ts';
import { findJsonFault } from './json-names.ts';

/** Maximum nesting depth of lists and objects. No body of this API needs more than 5. */
export const MAXIMUM_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in a single bit, and so do `]` and `}`. */
const OPENING = 0x5b;
const CLOSING = 0x5d;
const CURLY_BIT = 0x20;

/**
 * Parses text that is known to be valid UTF-8.
 * @throws AppError invalid_request if the text is not JSON, is nested too deeply, or contains a key that is special in
 * JavaScript: `__proto__`, or `constructor` with a value that has the key `prototype`
 */
export function parseJson(bytes: Buffer, text: string): unknown {
  if (isTooDeep(bytes)) {
    const message = `lists and objects may be nested at most ${MAXIMUM_JSON_DEPTH} levels deep`;
    throw new AppError('invalid_request', message, { details: [{ pointer: '', limit: MAXIMUM_JSON_DEPTH, message }] });
  }
  try {
    return secureJson.parse(text);
  } catch (cause) {
    // the text is either invalid, or valid JSON with a forbidden name, which this check locates
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

/** The result of parsing a line of NDJSON: its value, or a sentence that says what is wrong. */
export function parseJsonLine(line: string): { readonly value?: unknown; readonly fault?: string } {
  if (line.length > LONG_LINE && isTooDeep(Buffer.from(line)))
    return { fault: `lists and objects may be nested at most ${MAXIMUM_JSON_DEPTH} levels deep` };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { fault: 'the line is not JSON' };
  }
  // a single string has no names to check and, without escapes, no unpaired surrogates
  if (typeof value === 'string' && !line.includes('\\')) return { value };
  const found = findJsonFault(line, value);
  return found === null ? { value } : { fault: `${found.pointer}${found.pointer && ': '}${found.message}` };
}

/**
 * A line of at most this many characters needs no depth check, because walking it recursively cannot overflow the
 * stack.
 */
const LONG_LINE = 1024;

/** Throws an AppError if an object has a forbidden name. The depth must have been checked before. */
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
 * Scans byte by byte, because parsing a million nested levels takes seconds. For text that is not JSON, the result is
 * arbitrary.
 */
function isTooDeep(bytes: Buffer): boolean {
  // a text with too few opening brackets cannot exceed the maximum depth
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

/** Returns the number of occurrences of a byte, but stops counting beyond the maximum depth. */
function countUpTo(bytes: Buffer, byte: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0 && count <= MAXIMUM_JSON_DEPTH; at = bytes.indexOf(byte, at + 1)) count++;
  return count;
}
