/** Limits for the upkeep of files, disk and clock. */
import { fixed, setting } from '../../lib/limits.ts';

export const UPKEEP_LIMITS = {
  diskReserveBytes: setting(
    256 * 1024 * 1024,
    'bytes',
    'Minimum free bytes on the disk of the data folder or, in a cluster, of the cache. With less free space, new work ' +
      'is refused and queued expansions wait, while reads and deletions continue (256 MiB; 0: none).',
    { least: 0 },
  ),
  reserveFileBytes: fixed(
    8 * 1024 * 1024,
    'bytes',
    'Size of the file in the data folder that is removed to let a deletion succeed on a full disk (8 MiB; 0: none).',
  ),
  scrubBytesPerSecond: setting(
    8 * 1024 * 1024,
    'bytes/s',
    'Rate in bytes per second at which all files are verified while they are served (8 MiB).',
  ),
  scrubPauseMs: fixed(
    24 * 3600 * 1000,
    'ms',
    'Milliseconds between two passes of the scrubber, and between the service start and the first pass ' + '(a day).',
  ),
  clockSettleMs: fixed(
    3_600_000,
    'ms',
    "Milliseconds for which the machine's clock must be stable after a jump of more than an hour, or " +
      'after the machine has started, before the service trusts the clock.',
  ),
  maximumWaitingErasures: fixed(
    1_000,
    'requests',
    'Maximum number of requests to erase a user that wait at the same time; further requests get 503.',
  ),
};
