/** The interface that the routes of destinations need. */
import type { DestinationWriter } from '../destinations/destination-writer.ts';

export type { DestinationTest } from '../destinations/destination-writer.ts';

export type DestinationService = Pick<DestinationWriter, 'check' | 'test'>;
