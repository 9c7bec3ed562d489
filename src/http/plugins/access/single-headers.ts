/** Refuses repeated headers, because this service and a proxy in front of it might read different values. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../lib/errors.ts';

const SINGLE: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type', 'idempotency-key']);

/** The lengths of the names in `SINGLE`. Comparing a name's length is cheaper than looking up the name. */
const LENGTHS: ReadonlySet<number> = new Set([...SINGLE].map((name) => name.length));

/**
 * Refuses headers that occur twice, even with equal values (RFC 9110, section 5.3). Depending on the header, Node keeps
 * the first value or joins both.
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
  const message = 'a request may have this header only once';
  return new AppError('invalid_request', `a header is not valid: ${name}: ${message}`, {
    details: [{ pointer: name, message }],
  });
}
