/** Limits of uploads of seeds and suppression lists. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const USER_SET_LIMITS = {
  maximumUploadIds: {
    default: 10_000_000,
    unit: 'ids',
    published: true,
    description: 'User ids in an upload, and in a set.',
  },
  maximumUploadBytes: {
    default: 2 * 1024 * 1024 * 1024,
    unit: 'bytes',
    published: true,
    description: 'Bytes of an upload, unpacked (2 GiB).',
  },
  maximumUploadRatio: {
    default: 100,
    unit: 'times',
    published: true,
    description:
      'Times that an upload with `Content-Encoding: gzip` may unpack to its size, beyond the first MiB. Ids unpack to ' +
      'three to ten times, blank lines to a thousand.',
  },
  maximumUploadLineBytes: {
    default: 64 * 1024,
    unit: 'bytes',
    description: 'Bytes of one line of an upload, or of a CSV record that spans several lines (64 KiB).',
  },
  maximumOpenUploads: {
    default: 2,
    unit: 'uploads',
    published: true,
    description: 'Large uploads read at the same time; one more gets 503.',
  },
  smallUploadBytes: {
    default: 64 * 1024,
    unit: 'bytes',
    description: 'Bytes, unpacked, of the largest upload that never waits for a large one (64 KiB).',
  },
  maximumOpenSmallUploads: {
    default: 4,
    unit: 'uploads',
    description: 'Small uploads and lists in JSON applied at the same time; others wait.',
  },
  maximumWaitingUploads: {
    default: 100,
    unit: 'uploads',
    description: 'Small uploads and lists in JSON waiting to be applied; one more gets 503.',
  },
  smallUploadWaitMs: {
    default: 30_000,
    unit: 'ms',
    description: 'Milliseconds for which they wait before they get 503.',
  },
  uploadStallMs: {
    default: 30_000,
    unit: 'ms',
    description:
      'Milliseconds for which an upload may send nothing; its rate is measured over the same amount of waiting.',
  },
  minimumUploadBytesPerSecond: {
    default: 10 * 1024,
    unit: 'bytes/s',
    description: 'Minimum bytes per second of an upload.',
  },
  maximumUploadMs: {
    default: 3_600_000,
    unit: 'ms',
    description: 'Milliseconds that an upload may take, from its head to its last byte.',
  },
} as const satisfies LimitRows;

export type UserSetLimits = LimitValues<typeof USER_SET_LIMITS>;
