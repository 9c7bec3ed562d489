/** Splits an upload into lines, and collects errors with their line numbers. */
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import { FOREIGN_FILES } from '../../lib/files/foreign-files.ts';
import { type LineBatch, type LineFault, splitLines } from '../../lib/text/lines.ts';

/** Collects errors. At the limit, or at the end, throws one `invalid_request` with all collected errors. */
export class LineErrors {
  readonly #maximum: number;
  readonly #details: ErrorDetail[] = [];

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  add(line: number, message: string, facts: Pick<ErrorDetail, 'value' | 'limit'> = {}): void {
    this.#details.push({ pointer: `line ${line}`, message, ...facts });
    if (this.#details.length >= this.#maximum) this.throwIfAny();
  }

  /** Adds an error that makes the rest of the upload unreadable, and throws. */
  fail(line: number, message: string, facts: Pick<ErrorDetail, 'value' | 'limit'> = {}): never {
    this.add(line, message, facts);
    throw this.#error();
  }

  throwIfAny(): void {
    if (this.#details.length > 0) throw this.#error();
  }

  #error(): AppError {
    const first = this.#details[0]!;
    return new AppError('invalid_request', `the body is not valid: ${first.pointer}: ${first.message}`, {
      details: this.#details,
    });
  }
}

/**
 * Yields the lines of an upload. Long runs of blank lines are omitted while `skipsBlank` returns true. Invalid UTF-8 or
 * an overlong line ends reading with an error.
 */
export function uploadLines(
  bytes: AsyncIterable<Buffer>,
  maximumLineBytes: number,
  errors: LineErrors,
  skipsBlank: () => boolean,
): AsyncGenerator<LineBatch, void, void> {
  const refuse = (line: number, fault: LineFault): Error => {
    if (fault === 'not_utf_8') errors.fail(line, 'the line is not valid UTF-8');
    if (fault === 'too_long')
      errors.fail(line, `a line may have at most ${maximumLineBytes} bytes`, { limit: maximumLineBytes });
    const remedy = fault === 'gzip' ? '; send it with Content-Encoding: gzip' : '';
    errors.fail(line, `the file ${FOREIGN_FILES[fault]}${remedy}`);
  };
  return splitLines(bytes, { maximumBytes: maximumLineBytes, refuse, skipsBlank });
}
