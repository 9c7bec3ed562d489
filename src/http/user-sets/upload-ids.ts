/**
 * Reads the user ids of an upload: text, NDJSON or CSV, plain or gzip, or JSON. Only a JSON body is ever completely in
 * memory.
 */
import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { RowNames, refuseMoreRows } from '../../domain/user-sets.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { type LineBatch, withoutReturn } from '../../lib/text/lines.ts';
import type { CheckedValues } from '../../service/ports/populations.ts';
import { wrongId } from '../plugins/json/fields.ts';
import { parseJsonLine } from '../plugins/json/json-text.ts';
import type { HttpLimits } from '../plugins/limits.ts';
import type { Entry, EntryField } from './entry-fields.ts';
import { type Identify, userIdOf } from './identifiers.ts';
import type { UserSetLimits } from './limits.ts';
import { uploadBytes } from './upload-bytes.ts';
import { CsvColumn } from './upload-csv.ts';
import { LineErrors, uploadLines } from './upload-lines.ts';

/** Content types of uploads, apart from `application/json`. */
export const UPLOAD_TYPES = ['text/plain', 'application/x-ndjson', 'text/csv'] as const;

type UploadType = (typeof UPLOAD_TYPES)[number];

/** Options for reading an upload. */
export interface UploadReading {
  readonly config: UserSetLimits & HttpLimits;
  readonly clock: Clock;
  /**
   * Called as soon as the upload is known to have more than `smallUploadBytes`. If `onLarge` throws, nothing more is
   * read.
   */
  readonly onLarge: () => void;
  /** The extra field that ids may have; null if there is none. */
  readonly field: EntryField | null;
  /** Converts values to user ids; null if all values are user ids. */
  readonly identify: Identify | null;
  /** Checks users' features; null to ignore fields named `features`. */
  readonly checkValues: ((values: unknown) => CheckedValues) | null;
}

/** `value` is the extra field as a number; undefined if the id has none. */
type Take = (userId: string, value: number | undefined, features?: string) => void;

/**
 * Calls `take` with each id, its extra field and its features (as JSON). Other requests are handled between pieces.
 * @throws AppError invalid_request (errors name lines), too_many_seeds, and the errors of `uploadBytes`
 */
export async function readUploadedIds(request: FastifyRequest, reading: UploadReading, take: Take): Promise<void> {
  const { config, field } = reading;
  let count = 0;
  let rows = 0;
  const takeCounted: Take = (userId, value, features) => {
    count += 1;
    if (count > config.maximumUploadIds) throw tooManyIds(config.maximumUploadIds);
    if (features !== undefined) refuseMoreRows(++rows, config.maximumSeedRows);
    take(userId, value, features);
  };
  if (request.mediaType === 'application/json') {
    const { user_ids: entries } = request.body as { readonly user_ids: readonly Entry[] };
    for (const [i, sent] of entries.entries()) {
      const entry = typeof sent === 'string' ? { user_id: sent } : sent;
      const value = field === null ? undefined : entry[field.name];
      const userId = userIdOf(entry.user_id, reading.identify, `/user_ids/${i}`);
      takeCounted(userId, value === undefined ? value : field!.numberOf(value));
    }
  } else if (request.mediaType !== undefined) {
    await readLines(request, reading, takeCounted);
  }
  // an upload without ids is refused as a mistake, because it could empty a suppression list
  if (count === 0) throw new AppError('invalid_request', 'at least 1 user id is expected');
}

function tooManyIds(limit: number): AppError {
  const message = `there may be at most ${limit} user ids`;
  return new AppError('too_many_seeds', message, { details: [{ pointer: '', limit, message }] });
}

async function readLines(
  request: FastifyRequest,
  { config, clock, onLarge, field, identify, checkValues }: UploadReading,
  take: Take,
): Promise<void> {
  const { maximumUploadLineBytes, maximumUserIdBytes, maximumErrorDetails } = config;
  refuseCharset(request);
  const errors = new LineErrors(maximumErrorDetails);
  const names = new RowNames();
  const check: Check = (sent, line, value, values = null) => {
    const checked = values === null || checkValues === null ? null : checkValues(values);
    if (checked && 'fault' in checked) {
      errors.add(line, checked.fault);
      return;
    }
    const features = checked?.json;
    if (features !== undefined && sent === undefined) {
      checkId(names.name(features), line, value, features);
      return;
    }
    const userId = identify !== null && typeof sent === 'string' ? identify.idOf(sent) : sent;
    if (identify !== null && userId === null && sent !== null) {
      errors.add(line, identify.fault);
      return;
    }
    checkId(userId, line, value, features);
  };
  const checkId = (userId: unknown, line: number, value: unknown, features: string | undefined) => {
    const wrong = isOrdinary(userId, maximumUserIdBytes) ? null : wrongId('a user id', userId, maximumUserIdBytes);
    const hasValue = field !== null && value !== undefined && value !== null;
    const wrongWith = wrong ?? (hasValue ? field.wrong(value) : null);
    if (wrongWith === null) take(userId as string, hasValue ? field.numberOf(value) : undefined, features);
    else {
      const { message, limit } = wrongWith;
      errors.add(line, message, { value: wrong ? userId : value, ...(limit === undefined ? {} : { limit }) });
    }
  };
  const format = FORMATS[request.mediaType as UploadType](check, config, errors, field);
  const bytes = uploadBytes(request.raw, config, clock, onLarge);
  for await (const lines of uploadLines(bytes, maximumUploadLineBytes, errors, format.skipsBlank)) {
    format.read(lines);
    await setImmediate();
  }
  format.end();
  errors.throwIfAny();
}

interface Format {
  /** Whether a blank line can be skipped here. */
  readonly skipsBlank: () => boolean;
  read(lines: LineBatch): void;
  end(): void;
}

type Check = (userId: unknown, line: number, value?: unknown, values?: unknown) => void;

const FORMATS: Readonly<
  Record<
    UploadType,
    (check: Check, config: UserSetLimits & HttpLimits, errors: LineErrors, field: EntryField | null) => Format
  >
> = {
  'text/plain': (check) => ({
    skipsBlank: always,
    read: ({ firstLine, lines }) => {
      for (let i = 0; i < lines.length; i++) {
        const line = withoutReturn(lines[i]!);
        if (line !== '') check(line, firstLine + i);
      }
    },
    end: () => {},
  }),
  'application/x-ndjson': (check, _, errors, field) => ({
    skipsBlank: always,
    read: ({ firstLine, lines }) => {
      for (let i = 0; i < lines.length; i++) {
        const line = lines[i]!;
        if (line.trim() === '') continue;
        const { value, fault } = parseJsonLine(line);
        if (fault !== undefined) errors.add(firstLine + i, fault, { value: line });
        else if (field?.name === 'weight') checkSeed(value, firstLine + i, check);
        else check(fieldOf(value, 'user_id', value), firstLine + i, fieldOf(value, 'expires_at', undefined));
      }
    },
    end: () => {},
  }),
  'text/csv': (check, { maximumUploadLineBytes }, errors, field) => {
    const columns = { name: 'user_id', optional: field === null ? null : field.name };
    return new CsvColumn(columns, maximumUploadLineBytes, errors, (userId, line, text = '') =>
      check(userId, line, field?.parse(text)),
    );
  },
};

function always(): boolean {
  return true;
}

/** Checks a line of seeds, which may have a weight and features. A line with features may omit the id. */
function checkSeed(value: unknown, line: number, check: Check): void {
  const features = fieldOf(value, 'features', null);
  const userId = fieldOf(value, 'user_id', features === null ? value : undefined);
  const weight = fieldOf(value, 'weight', undefined);
  // null is not a weight
  check(userId, line, weight === null ? Number.NaN : weight, features);
}

/**
 * Returns a field of an NDJSON line, or `otherwise` if the line is not an object with this field. A line is a string
 * with a user id, or an object with `user_id`.
 */
function fieldOf(value: unknown, name: 'user_id' | 'weight' | 'expires_at' | 'features', otherwise: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return isObject ? (value as Readonly<Record<string, unknown>>)[name] : otherwise;
}

/** Whether an id is printable ASCII within the limit, which is true of nearly every id and quick to check. */
function isOrdinary(userId: unknown, maximumBytes: number): userId is string {
  return typeof userId === 'string' && userId.length <= maximumBytes && ORDINARY.test(userId);
}

const ORDINARY = /^[ -~]+$/;

function refuseCharset(request: FastifyRequest): void {
  const [, charset] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '') ?? [];
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return;
  throw new AppError('unsupported_media_type', 'an upload must be UTF-8', {
    details: [{ pointer: 'content-type', value: charset, message: 'charset utf-8 or no charset is expected' }],
  });
}
