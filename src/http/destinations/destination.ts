/** Request and response schemas of destinations. */
import { z } from 'zod';
import {
  DESTINATION_FORMATS,
  DESTINATION_MODES,
  type Destination,
  type DestinationPlace,
  type NewDestination,
} from '../../domain/destinations.ts';
import { LABEL } from '../../domain/identities.ts';
import type { DestinationTest } from '../../service/ports/destinations.ts';
import { cutName } from '../campaigns/cuts.ts';
import { labelsField } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { answerOf, pageOf } from '../plugins/json/answer.ts';
import { time } from '../plugins/json/fields.ts';

const EXAMPLE = {
  id: '2f9d4c1e-7b6a-4a55-9a3e-0c1d5b8e7f60',
  name: 'ad server',
  kind: 's3',
  path: null,
  bucket: 'audiences',
  prefix: 'metaheac',
  endpoint: null,
  region: 'eu-central-1',
  profile: 'delivery',
  format: 'parquet',
  mode: 'full',
  labels: { team: 'growth' },
  cut: null,
  identifier: null,
  paused: false,
  created_at: '2026-11-25T12:00:00.000Z',
  updated_at: '2026-11-25T12:00:00.000Z',
} as const;

const NAME = 'Name for people; it need not be unique.';
const PATH = 'Folder below the root that the operator has set (`METAHEAC_DESTINATIONS_ROOT`).';
const LABELS = 'Only campaigns with all of these labels are delivered. Without labels, all campaigns are.';
const CUT = 'Name of the cut to deliver; `null` for the audience. Versions without this cut are not delivered.';
const IDENTIFIER =
  'Type and rule of the identifiers to deliver instead of user ids, such as `email:uid2`. If a user has several, the ' +
  'lowest hash is delivered. Users without one are left out and counted in the manifest. `null` for user ids.';
const PAUSED = 'Whether deliveries wait until the destination is resumed. They fail after a day.';
const shared = {
  bucket: z.string().min(3).max(63).describe('Bucket of AWS S3 or of an S3-compatible server.'),
  prefix: z.string().max(512).describe('Prefix of the key of every object.'),
  endpoint: z
    .string()
    .max(2_048)
    .nullable()
    .describe(
      'Base URL of an S3-compatible server other than AWS: https, or http if the operator allows the host. `null` for AWS.',
    ),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .nullable()
    .describe("Region of the bucket; `null` for the region in the service's AWS settings."),
  profile: z
    .string()
    .regex(/^[\w.-]{1,128}$/)
    .nullable()
    .describe("Profile in the service's AWS credential files; `null` for the service's own credentials."),
  format: z.enum(DESTINATION_FORMATS).describe('Format of the files.'),
  mode: z
    .enum(DESTINATION_MODES)
    .describe(
      '`full`: each version contains all members. `deltas`: a version contains the users removed and added since the ' +
        'previous version if the destination has that version, otherwise all members.',
    ),
};

/** Where a destination writes to. Only keys of scope `admin` see these fields. */
const placeFields = {
  path: z.string().nullable().optional().describe(`${PATH} \`null\` for a bucket.`),
  bucket: shared.bucket.nullable().optional().describe(`${shared.bucket.description} \`null\` for a folder.`),
  prefix: shared.prefix.nullable().optional().describe(`${shared.prefix.description} \`null\` for a folder.`),
  endpoint: shared.endpoint.optional(),
  region: shared.region.optional(),
  profile: shared.profile.optional(),
};

export const PLACE_FIELDS: readonly string[] = Object.keys(placeFields);

const fields = {
  id: z.string(),
  name: z.string().describe(NAME),
  kind: z
    .enum(['folder', 's3'])
    .describe('Kind of the place. Its details (path, bucket and so on) are shown only to keys of scope `admin`.'),
  ...placeFields,
  format: shared.format,
  mode: shared.mode,
  labels: z.record(z.string(), z.string()).describe(LABELS),
  cut: z.string().nullable().describe(CUT),
  identifier: z.string().nullable().describe(IDENTIFIER),
  paused: z.boolean().describe(PAUSED),
  created_at: time,
  updated_at: time,
};

const ofBucket = <K extends 'bucket' | 'prefix' | 'endpoint' | 'region' | 'profile'>(
  { place }: Destination,
  name: K,
) => (place.kind === 's3' ? place[name] : null);

/** Response schema of a destination. It contains no credentials: a destination only names a profile. */
export const destination = answerOf<Destination>()({ id: 'Destination', examples: [EXAMPLE] }, fields, {
  kind: ({ place }) => place.kind,
  path: ({ place }) => (place.kind === 'folder' ? place.path : null),
  bucket: (shown) => ofBucket(shown, 'bucket'),
  prefix: (shown) => ofBucket(shown, 'prefix'),
  endpoint: (shown) => ofBucket(shown, 'endpoint'),
  region: (shown) => ofBucket(shown, 'region'),
  profile: (shown) => ofBucket(shown, 'profile'),
});

export const destinationPage = pageOf('DestinationPage', destination);

/** Response schema of a test. */
export const destinationTest = answerOf<DestinationTest>()(
  { id: 'DestinationTest', examples: [{ ok: false, error: 'cannot write: access denied', seconds: 0.2 }] },
  {
    ok: z.boolean().describe('Whether a small file could be written and removed.'),
    error: z.string().nullable().describe('Why the file could not be written or removed; `null` on success.'),
    seconds: z.number().describe('Duration of the test in seconds.'),
  },
  { seconds: ({ durationMs }) => Math.round(durationMs) / 1000 },
);

export const destinationParams = z.strictObject({
  id: z.string().meta({ ...component('DestinationId'), description: 'Id of a destination.' }),
});

export const destinationDeliveryParams = z.strictObject({
  id: destinationParams.shape.id,
  delivery_id: z.string().describe('Id of a delivery to the destination.'),
});

/** The fields that both request bodies share, without defaults. */
function changeable(config: ServerConfig) {
  return {
    name: z.string().min(1).max(config.maximumNameLength).describe(NAME),
    format: shared.format,
    mode: shared.mode,
    labels: labelsField(config).describe(LABELS),
    cut: cutName(config).nullable().describe(CUT),
    identifier: z
      .string()
      .regex(LABEL, 'a type and a rule are expected, such as email:uid2')
      .nullable()
      .describe(IDENTIFIER),
  };
}

/** Request body that creates a destination. */
export function destinationBody(config: ServerConfig) {
  const { name, format, mode, labels, cut, identifier } = changeable(config);
  const common = {
    name,
    format: format.default('parquet'),
    mode: mode.default('full'),
    labels: labels.default({}),
    cut: cut.default(null),
    identifier: identifier.default(null),
  };
  const folder = z.strictObject({
    kind: z.literal('folder').describe('A folder below the root.'),
    path: z.string().min(1).max(512).describe(PATH),
    ...common,
  });
  const bucket = z.strictObject({
    kind: z.literal('s3').describe('A bucket of AWS S3 or of an S3-compatible server.'),
    bucket: shared.bucket,
    prefix: shared.prefix.default(''),
    endpoint: shared.endpoint.default(null),
    region: shared.region.default(null),
    profile: shared.profile.default(null),
    ...common,
  });
  return z.discriminatedUnion('kind', [folder, bucket]).meta({
    ...component('DestinationCreate'),
    examples: [{ name: 'warehouse', kind: 'folder', path: 'exports/warehouse', format: 'csv', mode: 'deltas' }],
  });
}

type Body = z.output<ReturnType<typeof destinationBody>>;

/** Converts a request body to a destination. */
export function newDestination({ name, format, mode, labels, cut, identifier, ...place }: Body): NewDestination {
  return { name, format, mode, labels, cut, identifier, place: place satisfies DestinationPlace };
}

/** Request body that changes a destination. */
export function destinationChangeBody(config: ServerConfig) {
  return z
    .strictObject({ ...changeable(config), paused: z.boolean().describe(PAUSED) })
    .partial()
    .refine((change) => Object.values(change).some((value) => value !== undefined), {
      message: 'at least one field is expected',
    })
    .meta({ ...component('DestinationUpdate'), examples: [{ paused: true }] });
}
