/** Reproduces the ranking of a receipt from the same inputs, or finds the inputs that differ. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRoles } from '../audience/find-roles.ts';
import { sortedFilters } from '../domain/filters.ts';
import type { Blobs } from '../domain/ports/blobs.ts';
import type { StoreFiles } from '../domain/ports/store.ts';
import type { Receipt, ReceiptInputs, ReceiptStatement } from '../domain/receipts.ts';
import { exclusionsOf } from '../domain/special-categories.ts';
import type { ExpansionSets, Job } from '../domain/types.ts';
import { RowNames } from '../domain/user-sets.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf, UsageError } from '../lib/errors.ts';
import type { SpecialCategory } from '../lib/special-categories.ts';
import { canonicalJson } from '../lib/text/canonical-json.ts';
import { Cancellation } from '../lib/threads/cancellation.ts';
import { modelSum, readModelFolder } from '../model/folder.ts';
import { type CheckedValues, hasVersion, openPopulation, openValueCheck } from '../population/read.ts';
import { FileBlobs, idsInText, locateStore, openStoreFiles, type SentId, setFromIds } from '../storage/open-store.ts';
import { openEngineModels } from './engine-start.ts';
import { Checkpoints } from './expansion/checkpoints.ts';
import { customiseTask, roleIdsOf } from './expansion/expansion-users.ts';
import { rankHere } from './expansion/rank-here.ts';
import { describePopulation, setKeyOf, setSums, stateReceipt } from './expansion/receipt.ts';

export interface GivenInputs {
  /** Folder of the general model. */
  readonly model: string;
  /** Folder of the population. */
  readonly population: string;
  /**
   * Files by the names of their sets in receipts. They contain one user id per line, in any order. A file whose name
   * ends in `.ndjson` is read as an upload of seeds.
   */
  readonly sets: ReadonlyMap<string, string>;
  /** Values that replace those in the receipt. */
  readonly campaign?: GivenCampaign;
  readonly threads: number;
  readonly device: string;
}

/** Fields of a campaign; null means none. */
export type GivenCampaign = Partial<
  Pick<ReceiptInputs, 'external_id' | 'features' | 'filters' | 'negative_weight'> & {
    readonly category: SpecialCategory | null;
    readonly four_fifths: string | null;
  }
>;

/** A value that differs from the receipt. Both values are JSON, or `none`. */
export interface Difference {
  /** The part of the receipt. */
  readonly part: 'inputs' | 'outputs' | 'computed_with';
  readonly name: string;
  readonly expected: string;
  readonly found: string;
}

const EQUAL_SHARES = { adapting: 1, reporting: 1, scoring: 1 };
const NO_SETS: ExpansionSets = {
  ...{ seeds: '', positives: null, dismissed: null, negatives: null },
  ...{ suppression: null, commonSuppression: null },
};

/**
 * Compares the given inputs with those of the receipt. If all are equal, ranks the population with the engine's code
 * and compares the plan and the files. If a file differs, also compares the environments. An empty result means that
 * the ranking has the same bytes.
 * @throws UsageError for a set that receipts do not have; AppError invalid_model, invalid_population
 */
export async function reproduce(receipt: Receipt, given: GivenInputs): Promise<readonly Difference[]> {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-reproduce-'));
  try {
    const blobs = new FileBlobs(folder);
    const { setBlocks } = await openStoreFiles(locateStore(folder));
    const { manifest } = readModelFolder(given.model);
    const expected = receipt.inputs.population.version;
    const population = openPopulation(
      given.population,
      hasVersion(given.population, expected) ? { version: expected } : {},
    );
    const described = describePopulation(population);
    const isSame = described.sha256 === receipt.inputs.population.sha256;
    const sets = await writeSets(blobs, given.sets, isSame ? openValueCheck(population.features) : takeAsSent);
    const { excluded, four_fifths: statedRule, ...others } = receipt.inputs;
    const { category, four_fifths: fourFifths = statedRule, ...fields } = given.campaign ?? {};
    const inputs: ReceiptInputs = {
      ...{ ...others, ...fields, sets: setSums(sets), population: described },
      model: { version: manifest.version, sha256: modelSum(manifest) },
      ...(fourFifths && { four_fifths: fourFifths }),
      // the labels of another population say nothing about the receipt
      ...(excluded && { excluded: isSame ? exclusionsOf(population, excluded.category)! : excluded }),
    };
    const differing = differences('inputs', inputParts(receipt.inputs), inputParts(inputs, category));
    if (differing.length > 0) return differing;
    const made = await rankAgain(receipt, { given, sets, blobs, setBlocks, version: expected });
    const outputs = differences('outputs', outputParts(receipt), outputParts(made));
    if (outputs.length === 0) return [];
    return [...outputs, ...differences('computed_with', receipt.computed_with, made.computed_with)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Again {
  readonly given: GivenInputs;
  readonly sets: ExpansionSets;
  readonly blobs: Blobs;
  readonly setBlocks: StoreFiles['setBlocks'];
  readonly version: string;
}

/** Makes the ranking with the engine's code, in threads of this process, and returns its receipt. */
async function rankAgain(receipt: Receipt, { given, sets, blobs, setBlocks, version: populationVersion }: Again) {
  const { campaign_id: campaignId, expansion_id: expansionId, inputs } = receipt;
  const { external_id: externalId, features, filters, negative_weight: negativeWeight } = inputs;
  const { excluded: named, four_fifths: fourFifths = null } = inputs;
  const category = named?.category ?? null;
  const { version: modelVersion, sha256: modelSha256 } = inputs.model;
  const served = { model: { version: modelVersion, folder: given.model }, populationVersion };
  const { models } = await openEngineModels({ ...given, models: given.model, served }, () => {});
  try {
    const { pool, openPopulation: open } = await models.take(modelVersion, given.model);
    const population = await open(populationVersion);
    const pins = { modelVersion, populationVersion };
    const job: Job = {
      ...{ campaignId, expansionId, externalId, category, fourFifths, features, filters, negativeWeight, sets, pins },
      ...{
        id: expansionId,
        attempt: 1,
        deaths: 0,
        owner: '',
        token: 1,
        queuedAt: 0,
        traceparent: null,
        consentBases: {},
      },
    };
    const ids = await roleIdsOf({ setBlocks }, job);
    const roles = await findRoles(population, ids, filters, () => {}, job.category);
    const described = describePopulation(population);
    const task = customiseTask(job, modelVersion, population, roles);
    const keeper = new Checkpoints({
      ...{ blobs, clock: systemClock, keptWorkMs: Number.POSITIVE_INFINITY, computedBy: '' },
      hasRoom: () => false,
    });
    const work = { job, pins, population, task, roles, shares: EQUAL_SHARES };
    const dependencies = { pool, keeper, clock: systemClock, modelSha256, store: { blobs, ranges: null } };
    const ranked = await rankHere(dependencies, work, new Cancellation(), {
      ...{ mark: { begin() {}, end() {} }, onResumed() {}, onProgress() {}, onScored() {} },
      ...{ onAdapted: async () => {}, onAllScored: async () => {} },
    });
    const excluded = exclusionsOf(population, category);
    return stateReceipt(dependencies, { ...work, population: described, excluded }, ranked);
  } finally {
    await models.close();
  }
}

/** Another population than the receipt's may have other features, so it cannot check those of seeds. */
function takeAsSent(values: unknown): CheckedValues {
  return { json: canonicalJson(values) };
}

/** Writes the files of the sets as an upload would. */
async function writeSets(
  blobs: Blobs,
  files: GivenInputs['sets'],
  check: (values: unknown) => CheckedValues,
): Promise<ExpansionSets> {
  const sets: { -readonly [name in keyof ExpansionSets]: string | null } = { ...NO_SETS };
  for (const [name, file] of files) {
    const key = setKeyOf(name);
    if (key === undefined) throw new UsageError(`receipts have no set "${name}"`);
    if (/\.(csv|json|gz|parquet)$/i.test(file))
      throw new UsageError(`${file}: text with one user id per line, or NDJSON, is expected`);
    const text = readFileSync(file, 'utf8');
    const ids = file.endsWith('.ndjson')
      ? idsInNdjson(text, check, (line, fault) => new UsageError(`${file}:${line}: ${fault}`))
      : idsInText(text);
    sets[key] = await setFromIds(blobs, ids);
  }
  return { ...sets, seeds: sets.seeds ?? '' };
}

/** The ids in an upload of seeds, with their weights and features. */
function* idsInNdjson(
  text: string,
  check: (values: unknown) => CheckedValues,
  refuse: (line: number, fault: string) => UsageError,
): Generator<SentId, void, void> {
  const names = new RowNames();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw refuse(i + 1, messageOf(error));
    }
    if (typeof value === 'string') value = { user_id: value };
    if (typeof value !== 'object' || value === null) throw refuse(i + 1, 'a user id or an object is expected');
    const { user_id: userId, weight = 1, features = null }: Partial<NdjsonSeed> = value;
    const checked = features === null ? null : check(features);
    if (checked && 'fault' in checked) throw refuse(i + 1, checked.fault);
    const name = userId ?? (checked && names.name(checked.json));
    if (name === null) throw refuse(i + 1, 'a user id is expected');
    yield [name, weight, checked?.json];
  }
}

interface NdjsonSeed {
  readonly user_id: string;
  readonly weight: number;
  readonly features: unknown;
}

/** The inputs by the names shown to the user. Each set has its own name. */
function inputParts(
  { sets, filters, excluded, population: { erased, ...population }, ...others }: ReceiptInputs,
  category: SpecialCategory | null = excluded?.category ?? null,
) {
  const own = { filters: sortedFilters(filters), category, excluded };
  return { ...others, ...own, population, 'erased users': erased, ...sets };
}

function outputParts({ plan_key, candidates, erased_while_ranking, outputs }: ReceiptStatement) {
  return { plan_key, candidates, erased_while_ranking, ...outputs };
}

function differences(part: Difference['part'], expected: object, found: object): Difference[] {
  const [one, other] = [expected, found].map((parts) => new Map<string, unknown>(Object.entries(parts))) as [
    Map<string, unknown>,
    Map<string, unknown>,
  ];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  return names
    .map((name) => ({ part, name, expected: textOf(one.get(name)), found: textOf(other.get(name)) }))
    .filter((difference) => difference.expected !== difference.found);
}

function textOf(part: unknown): string {
  return part === undefined || part === null ? 'none' : canonicalJson(part);
}
