/** Limits of uploads of seeds and suppression lists. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const USER_SET_LIMITS = {
  maximumUploadIds: {
    default: 10_000_000,
    unit: 'ids',
    published: true,
    description: 'User ids of an upload, and of a set.',
  },
  maximumUploadBytes: {
    default: 2 * 1024 * 1024 * 1024,
    unit: 'bytes',
    published: true,
    description: 'Bytes of an upload, unpacked (2 GiB).',
  },
  maximumUploadLineBytes: {
    default: 64 * 1024,
    unit: 'bytes',
    description: 'Bytes of one line of an upload, or of a CSV record over several lines (64 KiB).',
  },
  maximumOpenUploads: {
    default: 2,
    unit: 'uploads',
    published: true,
    description: 'Large uploads that are read at one time; one more is answered 503.',
  },
  smallUploadBytes: {
    default: 64 * 1024,
    unit: 'bytes',
    description: 'Bytes, unpacked, of the largest upload that never waits for a large one (64 KiB).',
  },
  maximumOpenSmallUploads: {
    default: 4,
    unit: 'uploads',
    description: 'Small uploads and lists in JSON that are applied at one time; others wait.',
  },
  maximumWaitingUploads: {
    default: 100,
    unit: 'uploads',
    description: 'Small uploads and lists in JSON that wait for that; one more is answered 503.',
  },
  smallUploadWaitMs: {
    default: 30_000,
    unit: 'ms',
    description: 'Milliseconds for which they wait; then they are answered 503.',
  },
  uploadStallMs: {
    default: 30_000,
    unit: 'ms',
    description: 'Milliseconds for which an upload may send nothing; its rate is measured over as much waiting.',
  },
  minimumUploadBytesPerSecond: {
    default: 10 * 1024,
    unit: 'bytes/s',
    description: 'Bytes a second that an upload has to send.',
  },
  maximumUploadMs: {
    default: 3_600_000,
    unit: 'ms',
    description: 'Milliseconds that an upload may take, from its head to its last byte.',
  },
} as const satisfies LimitRows;

export type UserSetLimits = LimitValues<typeof USER_SET_LIMITS>;
