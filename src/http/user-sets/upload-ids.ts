/**
 * Reads the user ids of an upload: text, NDJSON or CSV, plain or gzip, or JSON. Only a JSON body is ever completely in
 * memory.
 */
import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { type LineBatch, withoutReturn } from '../../lib/text/lines.ts';
import { wrongId } from '../plugins/json/fields.ts';
import { parseJsonLine } from '../plugins/json/json-text.ts';
import type { HttpLimits } from '../plugins/limits.ts';
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
}

/**
 * Calls `take` with each id in turn. Other requests are handled between pieces.
 * @throws AppError invalid_request (errors name lines), too_many_seeds, and the errors of `uploadBytes`
 */
export async function readUploadedIds(
  request: FastifyRequest,
  { config, clock, onLarge }: UploadReading,
  take: (userId: string) => void,
): Promise<void> {
  let count = 0;
  const takeCounted = (userId: string) => {
    count += 1;
    if (count > config.maximumUploadIds) throw tooManyIds(config.maximumUploadIds);
    take(userId);
  };
  if (request.mediaType === 'application/json') {
    for (const userId of (request.body as { readonly user_ids: readonly string[] }).user_ids) takeCounted(userId);
  } else if (request.mediaType !== undefined) {
    await readLines(request, { config, clock, onLarge }, takeCounted);
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
  { config, clock, onLarge }: UploadReading,
  take: (userId: string) => void,
): Promise<void> {
  const { maximumUploadLineBytes, maximumUserIdBytes, maximumErrorDetails } = config;
  refuseCharset(request);
  const errors = new LineErrors(maximumErrorDetails);
  const check = (userId: unknown, line: number) => {
    if (isOrdinary(userId, maximumUserIdBytes)) {
      take(userId);
      return;
    }
    const wrong = wrongId('a user id', userId, maximumUserIdBytes);
    if (wrong === null) take(userId as string);
    else
      errors.add(line, wrong.message, { value: userId, ...(wrong.limit === undefined ? {} : { limit: wrong.limit }) });
  };
  const format = FORMATS[request.mediaType as UploadType](check, config, errors);
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

type Check = (userId: unknown, line: number) => void;

const FORMATS: Readonly<
  Record<UploadType, (check: Check, config: UserSetLimits & HttpLimits, errors: LineErrors) => Format>
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
  'application/x-ndjson': (check, _, errors) => ({
    skipsBlank: always,
    read: ({ firstLine, lines }) => {
      for (let i = 0; i < lines.length; i++) {
        const line = lines[i]!;
        if (line.trim() === '') continue;
        const { value, fault } = parseJsonLine(line);
        if (fault !== undefined) errors.add(firstLine + i, fault, { value: line });
        else check(idOf(value), firstLine + i);
      }
    },
    end: () => {},
  }),
  'text/csv': (check, { maximumUploadLineBytes }, errors) => {
    return new CsvColumn('user_id', maximumUploadLineBytes, errors, check);
  },
};

function always(): boolean {
  return true;
}

/**
 * Returns the user id of an NDJSON line, which is a string or an object with `user_id`. Other fields of the object are
 * ignored.
 */
function idOf(value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, 'user_id');
  return isObject ? (value as { user_id: unknown }).user_id : value;
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
