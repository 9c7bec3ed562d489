/** Destinations: folders and buckets that receive each new version of an audience as files. */
import { AppError } from '../lib/errors.ts';
import { includesLabels } from './api-keys.ts';
import type { AudienceCut } from './cuts.ts';
import type { Audience, Labels } from './types.ts';

export const DESTINATION_FORMATS = ['csv', 'csv.gz', 'parquet'] as const;

export type DestinationFormat = (typeof DESTINATION_FORMATS)[number];

/** `full`: each version has all members. `deltas`: a version has the differences from the version before it. */
export const DESTINATION_MODES = ['full', 'deltas'] as const;

/** A folder below the root that the operator allows. */
interface FolderPlace {
  readonly kind: 'folder';
  /** The path below the root. */
  readonly path: string;
}

/** A bucket of S3 or of a server with its protocol. */
interface BucketPlace {
  readonly kind: 's3';
  readonly bucket: string;
  /** Begins every key, without a slash at the end; may be empty. */
  readonly prefix: string;
  /** Base URL of a server other than AWS. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** The profile in the files of AWS with the credentials; null for those of the service. */
  readonly profile: string | null;
}

export type DestinationPlace = FolderPlace | BucketPlace;

/** What a destination receives, and where. */
export interface NewDestination {
  readonly name: string;
  readonly place: DestinationPlace;
  readonly format: DestinationFormat;
  readonly mode: (typeof DESTINATION_MODES)[number];
  /** A campaign must have all these labels; without labels, the destination receives all campaigns. */
  readonly labels: Labels;
  /** The name of the cut that is delivered instead of the audience; null for the audience. */
  readonly cut: string | null;
}

export interface Destination extends NewDestination {
  readonly id: string;
  /** Whether deliveries wait until the destination is resumed. */
  readonly paused: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The changed fields of a destination; other fields keep their values. */
export type DestinationChange = {
  readonly [K in Exclude<keyof NewDestination, 'place'> | 'paused']?: Destination[K] | undefined;
};

/** @throws AppError too_many_destinations */
export function refuseMoreDestinations(count: number, maximum: number): void {
  if (count >= maximum)
    throw new AppError('too_many_destinations', `there are ${count} destinations; the maximum is ${maximum}`);
}

/** Whether an audience version is delivered, which has these cuts and the labels of its campaign. */
export function isDelivered(
  { labels, cut }: Pick<NewDestination, 'labels' | 'cut'>,
  version: { readonly labels: Labels; readonly cuts: readonly Pick<AudienceCut, 'name'>[] },
): boolean {
  return includesLabels(version.labels, labels) && (cut === null || version.cuts.some(({ name }) => name === cut));
}

/** The file of a version that is written last. A version without it is not complete. */
export const MANIFEST_FILE = '_manifest.json';
/** The file of a campaign with the number of its active version. */
export const ACTIVE_FILE = '_active.json';

export interface DeliveredFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What a delivered version consists of. */
export interface DeliveryManifest {
  readonly campaign_id: string;
  readonly version: number;
  readonly kind: 'full' | 'delta';
  /** The version to which a delta is to be applied; null for a full version. */
  readonly previous_version: number | null;
  /** The cut that was delivered; null for the audience. */
  readonly cut: string | null;
  readonly format: DestinationFormat;
  readonly rows: number;
  readonly files: readonly DeliveredFile[];
  /** Facts about the version, so that all deliveries of a version have the same manifest. */
  readonly population_version: string;
  readonly created_at: string;
}

/** The manifest of a version with these files; `previous` is null for a full version. */
export function manifestOf(
  audience: Pick<Audience, 'campaignId' | 'version' | 'populationVersion' | 'createdAt'>,
  previous: number | null,
  { format, cut }: Pick<NewDestination, 'format' | 'cut'>,
  files: readonly DeliveredFile[],
): DeliveryManifest {
  return {
    campaign_id: audience.campaignId,
    version: audience.version,
    kind: previous === null ? 'full' : 'delta',
    previous_version: previous,
    cut,
    format,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    files,
    population_version: audience.populationVersion,
    created_at: new Date(audience.createdAt).toISOString(),
  };
}

/** The name of a version's part: `part-00000.csv`. */
export function partName(number: number, format: DestinationFormat): string {
  return `part-${String(number).padStart(5, '0')}.${format}`;
}
