/** Destinations: folders and buckets that receive each new version of an audience as files. */
import { AppError } from '../lib/errors.ts';
import { includesLabels } from './api-keys.ts';
import type { AudienceCut } from './cuts.ts';
import type { Audience, Labels } from './types.ts';

export const DESTINATION_FORMATS = ['csv', 'csv.gz', 'parquet'] as const;

export type DestinationFormat = (typeof DESTINATION_FORMATS)[number];

/** `full`: each version contains all members. `deltas`: a version contains the differences from the previous one. */
export const DESTINATION_MODES = ['full', 'deltas'] as const;

/** A folder below the root that the operator has configured. */
interface FolderPlace {
  readonly kind: 'folder';
  /** Relative to the root. */
  readonly path: string;
}

/** A bucket of AWS S3 or of an S3-compatible server. */
interface BucketPlace {
  readonly kind: 's3';
  readonly bucket: string;
  /** Prefix of every key, without a trailing slash; may be empty. */
  readonly prefix: string;
  /** Base URL of an S3-compatible server; null for AWS. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** The profile in the AWS credential files; null to use the service's own credentials. */
  readonly profile: string | null;
}

export type DestinationPlace = FolderPlace | BucketPlace;

/** What a destination receives, and where it is. */
export interface NewDestination {
  readonly name: string;
  readonly place: DestinationPlace;
  readonly format: DestinationFormat;
  readonly mode: (typeof DESTINATION_MODES)[number];
  /** Only campaigns with all of these labels are delivered. Without labels, all campaigns are. */
  readonly labels: Labels;
  /** The named cut to deliver; null for the audience. */
  readonly cut: string | null;
  /** Label of the identifiers to deliver instead of user ids; null for user ids. */
  readonly identifier: string | null;
}

export interface Destination extends NewDestination {
  readonly id: string;
  /** Whether deliveries wait until somebody resumes the destination. */
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

/** Whether a destination receives an audience version with these cuts and campaign labels. */
export function isDelivered(
  { labels, cut }: Pick<NewDestination, 'labels' | 'cut'>,
  version: { readonly labels: Labels; readonly cuts: readonly Pick<AudienceCut, 'name'>[] },
): boolean {
  return includesLabels(version.labels, labels) && (cut === null || version.cuts.some(({ name }) => name === cut));
}

/** The file that is written last. A version without it is incomplete. */
export const MANIFEST_FILE = '_manifest.json';
/** The file that contains the number of a campaign's active version. */
export const ACTIVE_FILE = '_active.json';

export interface DeliveredFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Lists the files of a delivered version. */
export interface DeliveryManifest {
  readonly campaign_id: string;
  readonly version: number;
  readonly kind: 'full' | 'delta';
  /** The version that a delta is applied to; null for a full version. */
  readonly previous_version: number | null;
  /** The delivered cut; null for the audience. */
  readonly cut: string | null;
  readonly format: DestinationFormat;
  /** Label of the identifiers in the files; null for user ids. */
  readonly identifier: string | null;
  /** The population version of these identifiers. */
  readonly identifiers_version: string | null;
  /** Number of members of the version who are left out because they have no such identifier. */
  readonly without_identifier: number | null;
  readonly rows: number;
  readonly files: readonly DeliveredFile[];
  /** The remaining facts are about the version, so every delivery of a version has the same manifest. */
  readonly population_version: string;
  readonly created_at: string;
}

/** What the files of a delivery contain. A delta needs an earlier delivery with the same contents. */
export type DeliveredContents = Pick<DeliveryManifest, 'cut' | 'identifier' | 'identifiers_version'>;

export function hasSameContents(one: DeliveredContents, other: DeliveredContents): boolean {
  return (
    one.cut === other.cut &&
    one.identifier === other.identifier &&
    one.identifiers_version === other.identifiers_version
  );
}

/** Creates the manifest of a version. `previous` is null for a full version. */
export function manifestOf(
  audience: Pick<Audience, 'campaignId' | 'version' | 'populationVersion' | 'createdAt'>,
  previous: number | null,
  contents: DeliveredContents & Pick<DeliveryManifest, 'format' | 'without_identifier'>,
  files: readonly DeliveredFile[],
): DeliveryManifest {
  return {
    campaign_id: audience.campaignId,
    version: audience.version,
    kind: previous === null ? 'full' : 'delta',
    previous_version: previous,
    cut: contents.cut,
    format: contents.format,
    identifier: contents.identifier,
    identifiers_version: contents.identifiers_version,
    without_identifier: contents.without_identifier,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    files,
    population_version: audience.populationVersion,
    created_at: new Date(audience.createdAt).toISOString(),
  };
}

/** The file name of a part, such as `part-00000.csv`. */
export function partName(number: number, format: DestinationFormat): string {
  return `part-${String(number).padStart(5, '0')}.${format}`;
}
