/**
 * Headers that a request may have only once: if there were two, this service and a proxy in front of it might read
 * different ones.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../lib/errors.ts';

const SINGLE: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type', 'idempotency-key']);

/** The lengths of the names, because looking a name up costs more than comparing its length. */
const LENGTHS: ReadonlySet<number> = new Set([...SINGLE].map((name) => name.length));

/**
 * Refuses headers that occur twice: Node keeps the first of some headers, and joins others. Two equal headers are
 * refused too (RFC 9110, section 5.3).
 * @throws AppError invalid_request
 */
export function refuseRepeatedHeaders({ rawHeaders }: IncomingMessage): void {
  let seen = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (!LENGTHS.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(`${name};`)) throw repeated(name);
    seen += `${name};`;
  }
}

function repeated(name: string): AppError {
  const message = 'a request may have this header once';
  return new AppError('invalid_request', `a header is not valid: ${name}: ${message}`, {
    details: [{ pointer: name, message }],
  });
}
