/** Limits of uploads of seeds and suppression lists. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const USER_SET_LIMITS = {
  maximumUploadIds: setting(10_000_000, 'ids', 'Maximum number of user ids in an upload, and in a set.', {
    published: true,
  }),
  maximumSeedWeight: fixed(1_000_000, 'times', 'Maximum weight of a seed. The minimum is 1 divided by this number.', {
    published: true,
  }),
  maximumSeedRows: setting(
    10_000,
    'users',
    'Maximum number of users with features in an upload of seeds, and in a set of seeds.',
    { published: true },
  ),
  maximumExpiringUsers: setting(
    100_000,
    'users',
    'Maximum number of users with an expiry on a suppression list. A change of the list holds them in memory.',
    { most: 10_000_000, published: true },
  ),
  maximumUploadBytes: setting(
    2 * 1024 * 1024 * 1024,
    'bytes',
    'Maximum number of bytes in an upload, after unpacking (2 GiB).',
    {
      published: true,
    },
  ),
  maximumUploadRatio: fixed(
    100,
    'times',
    'Maximum factor by which an upload with `Content-Encoding: gzip` may grow when unpacked, beyond the first MiB. ' +
      'Ids grow by a factor of 3 to 10, and blank lines by a factor of 1,000.',
    { published: true },
  ),
  maximumUploadLineBytes: fixed(
    64 * 1024,
    'bytes',
    'Maximum number of bytes in one line of an upload, or in a CSV record that spans several lines (64 KiB).',
  ),
  maximumOpenUploads: setting(
    2,
    'uploads',
    'Maximum number of large uploads read at the same time; further uploads get 503.',
    {
      published: true,
    },
  ),
  smallUploadBytes: fixed(
    64 * 1024,
    'bytes',
    'Unpacked size of the largest upload that never waits for a large upload (64 KiB).',
  ),
  maximumOpenSmallUploads: fixed(
    4,
    'uploads',
    'Maximum number of small uploads and JSON lists that are applied at the same time; further uploads wait.',
  ),
  maximumWaitingUploads: fixed(
    100,
    'uploads',
    'Maximum number of small uploads and JSON lists that wait to be applied; further requests get 503.',
  ),
  smallUploadWaitMs: fixed(
    30_000,
    'ms',
    'Milliseconds for which small uploads and JSON lists wait before they get 503.',
  ),
  uploadStallMs: fixed(
    30_000,
    'ms',
    'Milliseconds for which an upload may send nothing. The minimum rate is checked whenever the service ' +
      'has waited this long in total.',
  ),
  minimumUploadBytesPerSecond: fixed(10 * 1024, 'bytes/s', 'Minimum bytes per second of an upload.'),
  maximumUploadMs: fixed(3_600_000, 'ms', 'Milliseconds that an upload may take, from its head to its last byte.'),
};

export type UserSetLimits = LimitValues<typeof USER_SET_LIMITS>;
