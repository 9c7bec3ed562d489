/** Limits of uploads of seeds and suppression lists. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const USER_SET_LIMITS = {
  maximumUploadIds: setting(10_000_000, 'ids', 'User ids in an upload, and in a set.', { published: true }),
  maximumUploadBytes: setting(2 * 1024 * 1024 * 1024, 'bytes', 'Bytes of an upload, unpacked (2 GiB).', {
    published: true,
  }),
  maximumUploadRatio: fixed(
    100,
    'times',
    'Factor by which an upload with `Content-Encoding: gzip` may grow when unpacked, beyond the first MiB. Ids grow ' +
      'three to ten times, blank lines a thousand times.',
    { published: true },
  ),
  maximumUploadLineBytes: fixed(
    64 * 1024,
    'bytes',
    'Bytes of one line of an upload, or of a CSV record that spans several lines (64 KiB).',
  ),
  maximumOpenUploads: setting(2, 'uploads', 'Large uploads read at the same time; one more gets 503.', {
    published: true,
  }),
  smallUploadBytes: fixed(
    64 * 1024,
    'bytes',
    'Unpacked bytes of the largest upload that never waits for a large one (64 KiB).',
  ),
  maximumOpenSmallUploads: fixed(
    4,
    'uploads',
    'Small uploads and lists in JSON applied at the same time; others wait.',
  ),
  maximumWaitingUploads: fixed(
    100,
    'uploads',
    'Small uploads and lists in JSON waiting to be applied; one more gets 503.',
  ),
  smallUploadWaitMs: fixed(30_000, 'ms', 'Milliseconds for which these wait before they get 503.'),
  uploadStallMs: fixed(
    30_000,
    'ms',
    'Milliseconds for which an upload may send nothing; its rate is measured over as much waiting time.',
  ),
  minimumUploadBytesPerSecond: fixed(10 * 1024, 'bytes/s', 'Minimum bytes per second of an upload.'),
  maximumUploadMs: fixed(3_600_000, 'ms', 'Milliseconds that an upload may take, from its head to its last byte.'),
};

export type UserSetLimits = LimitValues<typeof USER_SET_LIMITS>;
