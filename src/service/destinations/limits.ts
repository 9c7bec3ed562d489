/** Limits of deliveries to destinations. */
import { fixed } from '../../lib/limits.ts';

export const DESTINATION_LIMITS = {
  destinationPartRows: fixed(1_000_000, 'rows', 'Number of ranks per part (file) of a delivered version.'),
  destinationWrites: fixed(
    2,
    'deliveries',
    'Number of versions that are written to destinations at the same time; each needs a file for one part.',
  ),
  destinationPatienceMs: fixed(
    10_000,
    'ms',
    'How long a failing call to the storage of a destination is repeated before the delivery is retried later.',
  ),
};
