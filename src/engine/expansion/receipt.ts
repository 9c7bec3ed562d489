/** Creates receipts: the inputs of a ranking, how it was computed, and its outputs. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { runtimeVersion } from '../../../packages/onnx-grad/index.ts';
import type { ConsentBasis } from '../../domain/consent.ts';
import {
  RECEIPT_FORMAT,
  type ReceiptEnvironment,
  type ReceiptInputs,
  type ReceiptStatement,
} from '../../domain/receipts.ts';
import type { Exclusions } from '../../domain/special-categories.ts';
import type { ConsentBases, ExpansionSets } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import { type Population, versionSum } from '../../population/read.ts';
import type { ThreadPool } from '../pool.ts';
import type { Ranked, RankedWork } from './rank-here.ts';

interface ReceiptDependencies {
  readonly pool: Pick<ThreadPool, 'computedWith' | 'goldenSha256'>;
  /** The sha256 of the model's files. */
  readonly modelSha256: string;
  readonly clock: Pick<Clock, 'now'>;
}

type ReceiptWork = Pick<RankedWork, 'job' | 'pins' | 'task' | 'roles'> & {
  /** The population at the time when the roles were found. */
  readonly population: ReceiptInputs['population'];
  /** What the campaign's category excludes. */
  readonly excluded: Exclusions | null;
};

/** Returns the receipt of a ranking without a signature. `reproduce` computes everything in it again. */
export function stateReceipt(
  { pool, modelSha256, clock }: ReceiptDependencies,
  { job, pins, population, excluded, task, roles }: ReceiptWork,
  { customised, candidates, sha256, batchSize }: Pick<Ranked, 'customised' | 'candidates' | 'sha256' | 'batchSize'>,
): ReceiptStatement {
  const consentBases = basesByName(job.consentBases);
  return {
    format: RECEIPT_FORMAT,
    campaign_id: job.campaignId,
    expansion_id: job.expansionId,
    made_at: new Date(clock.now()).toISOString(),
    inputs: {
      external_id: job.externalId,
      features: job.features,
      filters: job.filters,
      negative_weight: job.negativeWeight,
      ...(excluded && { excluded }),
      ...(job.fourFifths !== null && { four_fifths: job.fourFifths }),
      sets: setSums(job.sets),
      model: { version: pins.modelVersion, sha256: modelSha256 },
      population,
    },
    ...(Object.keys(consentBases).length > 0 && { consent_bases: consentBases }),
    plan_key: task.key,
    candidates,
    erased_while_ranking: roles.candidates.length - candidates,
    outputs: { ...sha256, parameters: createHash('sha256').update(customised.customised).digest('hex') },
    computed_with: describeEnvironment(pool, batchSize),
  };
}

/** The names of an expansion's sets in receipts. */
const SET_NAMES: { readonly [K in keyof ExpansionSets]: string } = {
  seeds: 'seeds',
  positives: 'positives',
  dismissed: 'dismissed',
  negatives: 'negatives',
  suppression: 'suppression',
  commonSuppression: 'common_suppression',
};

/** The sha256 of each set that exists, by its name in receipts. A set's own name begins with its sha256. */
export function setSums(sets: ExpansionSets): Record<string, string> {
  const entries = Object.entries(SET_NAMES).flatMap(([key, name]) => {
    const set = sets[key as keyof ExpansionSets];
    return !set ? [] : [[name, set.split('-')[0]!] as const];
  });
  return Object.fromEntries(entries);
}

function basesByName(bases: ConsentBases): Readonly<Record<string, ConsentBasis>> {
  const keys = Object.keys(bases) as (keyof ConsentBases)[];
  return Object.fromEntries(keys.flatMap((key) => (bases[key] ? [[SET_NAMES[key], bases[key]] as const] : [])));
}

/** Finds the key of an expansion's set by its name in receipts; undefined if there is none. */
export function setKeyOf(name: string): keyof ExpansionSets | undefined {
  return (Object.keys(SET_NAMES) as (keyof ExpansionSets)[]).find((key) => SET_NAMES[key] === name);
}

/**
 * Describes a population version and its erased users for a receipt. Does not read erasures again. They are the same as
 * when the roles were found, provided that no other work ran in between.
 * @throws AppError invalid_population
 */
export function describePopulation(population: Population): ReceiptInputs['population'] {
  const { path, version, erasures, rowOf } = population;
  const hash = createHash('sha256');
  let users = 0;
  for (const userNumber of erasures.numbers) {
    if ((rowOf[userNumber] ?? -1) < 0) continue;
    hash.update(`${userNumber}\n`);
    users += 1;
  }
  return { version, sha256: versionSum(path, version), erased: { users, sha256: hash.digest('hex') } };
}

function describeEnvironment(
  { computedWith, goldenSha256 }: ReceiptDependencies['pool'],
  batchSize: number,
): ReceiptEnvironment {
  return {
    metaheac: PACKAGE_VERSION,
    onnxruntime: runtimeVersion(),
    device: computedWith.device,
    batch_size: batchSize,
    processor: { architecture: process.arch, features: processorFeatures() },
    golden_sha256: goldenSha256,
  };
}

/** This file exists only on Linux. */
const CPU_FILE = '/proc/cpuinfo';
/** Instruction sets that ONNX Runtime chooses its kernels by. */
const FEATURE = /^(sse4_[12]|fma|f16c|avx\w*|amx\w*|asimd\w*|sve\w*|bf16|i8mm)$/;

/** The instruction sets of this processor that may affect rounding; empty if unknown. */
function processorFeatures(): string[] {
  if (!existsSync(CPU_FILE)) return [];
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync(CPU_FILE, 'utf8'))?.[1] ?? '';
  return line
    .split(' ')
    .filter((feature) => FEATURE.test(feature))
    .sort();
}
