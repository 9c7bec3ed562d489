/**
 * The inputs that engines need to score ranges of an expansion, as a blob folder: the customised model, the campaign's
 * features and the users who are not ranked.
 */
import { z } from 'zod';
import { type BlobReader, type Blobs, untilRead } from '../../domain/ports/blobs.ts';
import type { SegmentRange } from '../../domain/ranges.ts';
import { AppError } from '../../lib/errors.ts';
import { SPECIAL_CATEGORIES, type SpecialCategory } from '../../lib/special-categories.ts';
import { CUSTOMISED_FILE } from '../../model/customised.ts';
import type { CampaignValues } from '../../online/encode.ts';
import { type Population, SEGMENT_ROWS } from '../../population/read.ts';
import type { StoredCustomised } from '../thread-tasks.ts';

const CAMPAIGN_FILE = 'campaign.json';
const UNRANKED_FILE = 'unranked.bits';
/** Written once the report is finished, which may be after the ranges were offered. */
const REPORT_FILE = 'report.json';

/** The folder of an offer, which the number of an attempt names, is published once. */
const FINAL = { isFinal: true };
/** Bytes of a segment's bits: one bit per row. */
const SEGMENT_BYTES = SEGMENT_ROWS / 8;

const campaignSchema = z.strictObject({
  features: z.record(z.string(), z.unknown()),
  external_id: z.string().nullable(),
  category: z.enum(SPECIAL_CATEGORIES).nullable(),
});
const reportSchema = z.strictObject({
  epochs: z.int(),
  quality: z.record(z.string(), z.unknown()).nullable(),
  prediction: z.record(z.string(), z.unknown()).nullable(),
  unmasked: z.record(z.string(), z.unknown()).nullable().optional(),
});

/** The campaign whose users are scored. */
export interface RangeCampaign {
  readonly features: CampaignValues;
  readonly externalId: string | null;
  readonly category: SpecialCategory | null;
}

export interface PublishedInputs extends RangeCampaign {
  /** The bytes of customised.bin. */
  readonly customised: Uint8Array;
  /** One bit per row of each segment: see `unrankedBits`. */
  readonly unranked: Uint8Array;
}

/** Publishes the inputs of an expansion's ranges. Rejects with AppError storage_failed. */
export async function publishInputs(
  blobs: Pick<Blobs, 'publish'>,
  folder: string,
  { features, externalId, category, customised, unranked }: PublishedInputs,
): Promise<void> {
  const campaign: z.input<typeof campaignSchema> = { features, external_id: externalId, category };
  const files = new Map([
    [CAMPAIGN_FILE, Buffer.from(JSON.stringify(campaign))],
    [CUSTOMISED_FILE, customised],
    [UNRANKED_FILE, unranked],
  ]);
  await blobs.publish(folder, files);
}

/** Adds the report to published inputs, so that a later attempt need not compute it again. */
export async function publishReport(
  blobs: Pick<Blobs, 'write'>,
  folder: string,
  { epochs, quality, prediction, unmasked }: Omit<StoredCustomised, 'customised'>,
): Promise<void> {
  const report: z.input<typeof reportSchema> = { epochs, quality, prediction, unmasked };
  const writer = blobs.write(folder);
  try {
    writer.write(Buffer.from(JSON.stringify(report)));
    await (await writer.finish()).publish(REPORT_FILE);
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Reads the campaign and the customised model. Rejects with AppError storage_failed. */
export async function readInputs(blobs: BlobReader, folder: string): Promise<Omit<PublishedInputs, 'unranked'>> {
  const [campaign, customised] = await Promise.all([
    blobs.read(folder, CAMPAIGN_FILE, FINAL),
    blobs.read(folder, CUSTOMISED_FILE, FINAL),
  ]);
  const { features, external_id: externalId, category } = parse(campaignSchema, campaign, folder);
  return { features: features as CampaignValues, externalId, category, customised };
}

/** Reads the report; null if it was not finished. Rejects with AppError storage_failed. */
export async function readReport(
  blobs: BlobReader & Pick<Blobs, 'hasFile'>,
  folder: string,
): Promise<Omit<StoredCustomised, 'customised'> | null> {
  if (!(await blobs.hasFile(folder, REPORT_FILE))) return null;
  return parse(reportSchema, await blobs.read(folder, REPORT_FILE), folder);
}

/** Reads which rows of a range are not ranked, as one bit per row of each of its segments. */
export async function readUnranked(
  blobs: BlobReader,
  folder: string,
  { from, to }: SegmentRange,
): Promise<(segment: number) => Uint8Array> {
  const bits = new Uint8Array((to - from) * SEGMENT_BYTES);
  const blob = await blobs.open(folder, UNRANKED_FILE, FINAL);
  try {
    const read = await untilRead(() => blob.read(bits, from * SEGMENT_BYTES));
    if (read < bits.length) throw damaged(folder, `${UNRANKED_FILE} ends at byte ${from * SEGMENT_BYTES + read}`);
  } finally {
    blob.close();
  }
  return (segment) => bits.subarray((segment - from) * SEGMENT_BYTES, (segment - from + 1) * SEGMENT_BYTES);
}

/**
 * One bit for each row of each segment, 8,192 bytes per segment: 1 for a row in one of the lists, which are ascending.
 */
export function unrankedBits(
  population: Pick<Population, 'segmentCount' | 'segmentRows'>,
  lists: readonly Int32Array[],
): Uint8Array {
  const bits = new Uint8Array(population.segmentCount * SEGMENT_BYTES);
  for (const rows of lists) {
    let at = 0;
    let start = 0;
    for (let segment = 0; segment < population.segmentCount && at < rows.length; segment++) {
      const end = start + population.segmentRows(segment);
      const first = segment * SEGMENT_ROWS - start;
      for (; at < rows.length && rows[at]! < end; at++) {
        const place = first + rows[at]!;
        bits[Math.floor(place / 8)]! |= 1 << (place % 8);
      }
      start = end;
    }
  }
  return bits;
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array, folder: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw damaged(folder, 'a file does not have the expected contents', error);
  }
}

function damaged(folder: string, what: string, cause?: unknown): AppError {
  return new AppError('storage_failed', `the inputs ${folder} of ranges are damaged: ${what}`, { cause });
}
