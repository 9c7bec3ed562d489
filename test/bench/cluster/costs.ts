/**
 * The inputs of the simulation: the costs of one engine, and the prices of a cloud. README.md says how each is
 * measured.
 */
import { readFileSync } from 'node:fs';
import { assert } from '../../../src/lib/errors.ts';

type Amounts<Name extends string> = { readonly [N in Name]: number };

export interface Costs {
  readonly origin: {
    readonly date: string;
    readonly machine: string;
    readonly command: string;
    /**
     * Paths of figures that were not measured, such as `storage.requestSeconds`, each with the reason for its value.
     */
    readonly assumed: Readonly<Record<string, string>>;
  };
  /** What an engine reads to score one segment. */
  readonly population: Amounts<'segmentUsers' | 'segmentBytes' | 'segmentRequests'>;
  /** `segments`: the number of segments that contain the users it reads. */
  readonly adapt: Amounts<'processorSeconds' | 'segments'>;
  /** The quality report and the prediction, which the owner computes while ranges are scored. */
  readonly report: Amounts<'processorSeconds'>;
  /**
   * The blobs that the owner of an expansion writes once. Each engine reads them before its first range of it, and with
   * each range what belongs to its users (`bytesPerUser`).
   */
  readonly inputs: Amounts<'bytes' | 'bytesPerUser' | 'requests'>;
  /** `..More`: for each further expansion in the same pass. `firstThread..`: for each expansion, at the same time. */
  readonly score: Amounts<'processorSecondsPerUser' | 'processorSecondsPerUserMore' | 'firstThreadSecondsPerUser'>;
  /** The part of the ranking that a range leaves. */
  readonly part: Amounts<'bytesPerUser' | 'bytes' | 'requests' | 'processorSecondsPerUser'>;
  readonly merge: Amounts<'processorSecondsPerUser' | 'resultBytesPerUser' | 'resultRequests'>;
  /** Larger blobs than `partBytes` are read and written in parts. `bytesPerSecond` is of one host. */
  readonly storage: Amounts<
    | 'partBytes'
    | 'requestSeconds'
    | 'requestsAtOnce'
    | 'bytesPerSecond'
    | 'processorSecondsPerRequest'
    | 'processorSecondsPerByte'
  >;
  /** `callSeconds`: round trips of a transaction on an idle server, without the processor time of both ends. */
  readonly database: Amounts<'callSeconds' | 'serverSeconds' | 'serverCores' | 'processorSecondsPerCall'>;
  /** `expansionsPerThread` share a pass over a range; an engine owns as many at the same time. */
  readonly engine: Amounts<'rangeSegments' | 'rangesAtOnce' | 'expansionsPerThread' | 'leaseSeconds' | 'pollSeconds'>;
}

/** A run of real engines that shared the cores of one machine, to compare with the simulation's prediction. */
export type MeasuredRun = Amounts<'engines' | 'threads' | 'cores' | 'users' | 'campaigns' | 'seconds'>;

export interface CostsFile {
  readonly costs: Costs;
  /** The costs that differ in a region, by path, each with the reason for its value. */
  readonly elsewhere: Readonly<Record<string, { readonly value: number; readonly reason: string }>>;
  readonly runs: readonly MeasuredRun[];
}

interface Price {
  readonly dollars: number;
  readonly source: string;
}

export interface Prices {
  readonly name: string;
  readonly date: string;
  readonly coreHour: Price;
  readonly databaseHour: Price;
  readonly thousandReads: Price;
  readonly thousandWrites: Price;
  readonly gigabyteMonth: Price;
}

/** Reads costs or prices. */
export function readInput<T extends CostsFile | Prices>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** The costs of hosts in a region. */
export function costsElsewhere({ costs, elsewhere }: CostsFile): Costs {
  const changed = structuredClone(costs) as unknown as Record<string, Record<string, number>>;
  for (const [path, { value }] of Object.entries(elsewhere)) {
    const [part, field] = path.split('.') as [string, string];
    assert(Object.hasOwn(changed[part] ?? {}, field), `there is no cost ${path}`);
    changed[part]![field] = value;
  }
  return changed as unknown as Costs;
}
