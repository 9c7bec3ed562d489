/** The costs that the simulation is calibrated with, as one engine's measurements give them. Format: README.md. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from '../../../src/lib/errors.ts';

const amount = z.number().nonnegative();
const positive = z.number().positive();
const count = z.int().positive();

export const costsSchema = z.strictObject({
  origin: z.strictObject({
    date: z.iso.date(),
    machine: z.string(),
    /** The command that wrote the file, or a sentence that says where each figure comes from. */
    command: z.string(),
    /** Paths of figures that were not measured, such as `storage.requestSeconds`, each with the reason for its value. */
    assumed: z.record(z.string(), z.string()),
  }),
  population: z.strictObject({
    segmentUsers: count,
    /** What an engine reads to score one segment. */
    segmentBytes: amount,
    segmentRequests: amount,
  }),
  /** `segments`: how many segments have the users that it reads. */
  adapt: z.strictObject({ processorSeconds: amount, threads: count, segments: z.int().nonnegative() }),
  /** The quality report and the prediction, which the owner computes while ranges are scored. */
  report: z.strictObject({ processorSeconds: amount, threads: count }),
  /**
   * The blobs that the owner of an expansion writes once. Each engine reads them before its first range of it, and with
   * each range what belongs to its users (`bytesPerUser`).
   */
  inputs: z.strictObject({ bytes: amount, bytesPerUser: amount, requests: amount }),
  score: z.strictObject({
    processorSecondsPerUser: amount,
    /** For each further expansion in the same pass. */
    processorSecondsPerUserMore: amount,
    processorSecondsPerRange: amount,
    /** Of the engine's first thread meanwhile, for each expansion. */
    firstThreadSecondsPerUser: amount,
  }),
  /** The part of the ranking that a range leaves. */
  part: z.strictObject({ bytesPerUser: amount, bytes: amount, requests: amount, processorSecondsPerUser: amount }),
  merge: z.strictObject({
    processorSecondsPerUser: amount,
    processorSeconds: amount,
    threads: count,
    resultBytesPerUser: amount,
    resultRequests: amount,
  }),
  storage: z.strictObject({
    /** Larger blobs are read and written by parts of this size, one request each. */
    partBytes: positive,
    /** From a request to the first byte of its answer, without the processor time of the client. */
    requestSeconds: amount,
    requestsAtOnce: count,
    /** Of one host. */
    bytesPerSecond: positive,
    processorSecondsPerRequest: amount,
    processorSecondsPerByte: amount,
  }),
  database: z.strictObject({
    /** Round trips of a transaction on an idle server, without the processor time of both ends. */
    callSeconds: amount,
    /** Time of the server's cores per transaction. */
    serverSeconds: amount,
    serverCores: count,
    processorSecondsPerCall: amount,
  }),
  engine: z.strictObject({
    rangeSegments: count,
    /** Ranges that an engine scores at the same time. */
    rangesAtOnce: count,
    /** Expansions that share a pass over a range, and that an engine owns at the same time, for each of its threads. */
    expansionsPerThread: count,
    leaseSeconds: positive,
    renewSeconds: positive,
    /** How often an engine without work asks for work, and an owner asks how far its ranges are. */
    pollSeconds: positive,
    maximumAttempts: count,
  }),
});

export type Costs = z.infer<typeof costsSchema>;

/** A run of real engines, to compare with the simulation's prediction. */
const runSchema = z.strictObject({
  engines: count,
  /** Of each engine. */
  threads: count,
  /** Of the machine, which all engines shared. */
  cores: count,
  users: count,
  campaigns: count,
  /** From the first POST until the last campaign is ready. */
  seconds: positive,
});

export type MeasuredRun = z.infer<typeof runSchema>;

/** What differs between servers on the measured machine and those of a region, each with the reason for its value. */
const elsewhereSchema = z.record(
  z.string().regex(/^(storage|database)\.[A-Za-z]+$/),
  z.strictObject({ value: amount, reason: z.string() }),
);

const fileSchema = z.strictObject({ costs: costsSchema, elsewhere: elsewhereSchema, runs: z.array(runSchema) });

export type CostsFile = z.infer<typeof fileSchema>;

/** The costs of hosts in a region. @throws AppError invalid_argument if they replace a cost that does not exist */
export function costsElsewhere({ costs, elsewhere }: CostsFile): Costs {
  const changed: Record<'storage' | 'database', Record<string, number>> = {
    storage: { ...costs.storage },
    database: { ...costs.database },
  };
  for (const [path, { value }] of Object.entries(elsewhere)) {
    const [part, field] = path.split('.') as ['storage' | 'database', string];
    if (!Object.hasOwn(changed[part], field)) throw new AppError('invalid_argument', `there is no cost ${path}`);
    changed[part][field] = value;
  }
  return costsSchema.parse({ ...costs, ...changed });
}

/** @throws AppError invalid_argument with the path of the first fault */
export function readCosts(path: string): CostsFile {
  return readInput(path, fileSchema);
}

/** Reads a JSON file of a benchmark. */
export function readInput<T>(path: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new AppError('invalid_argument', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw new AppError('invalid_argument', `${path}: ${at.join('.')}: ${message}`);
}
