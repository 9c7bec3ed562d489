/** Expands a campaign of made-up users, with the code that expands real campaigns, before a model is trusted. */
import { allFinite, type Device, openSession } from '../../packages/onnx-grad/index.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { columnOf } from '../lib/feature-kinds.ts';
import { createRng, type Rng } from '../lib/rng.ts';
import { customisedOnnx, decodeCustomised } from '../model/customised.ts';
import { type ModelContract, refused } from '../model/folder.ts';
import { type GeneralModel, GOLDEN_TOLERANCE, loadModel } from '../model/load.ts';
import { featureOf, type ManifestFeature } from '../model/manifest.ts';
import { appErrorOf, withAppErrors } from '../model/onnx-grad.ts';
import { type Column, type Dictionary, gatherRows, type Rows, type UserRows } from '../population/read.ts';
import { BoundModel } from './bound-model.ts';
import { customisedManifest } from './customised-manifest.ts';
import { type CampaignValues, encodeCampaign, encodeUsers } from './encode.ts';
import { type OnlineProgram, openOnlineProgram } from './online-context.ts';

/** Number of made-up users. It exceeds the scorer's run size, so that there is both a full run and a partial run. */
const USERS = 1100;
/**
 * Number of seeds. It is large enough for some seeds to be held out by default, so that the number of epochs is chosen
 * as for a real campaign.
 */
const SEEDS = 50;
/**
 * Number of steps in each pass. Any fault shows up either in the first step or, through its after-effects, in the
 * second.
 */
const STEPS = 2;
/** Key of all random numbers. The key is fixed so that the same model always gets the same test expansion. */
const KEY = 'test expansion';

/** The result of a test expansion. */
export interface TestExpansion {
  readonly users: number;
  readonly seeds: number;
  /**
   * The largest difference between the service's scores and the exported file's scores; null if the exported file was
   * not tested.
   */
  readonly apart: number | null;
}

export interface TestExpansionOptions {
  readonly device?: Device;
  /** The model's program, if it is already open; it stays open. */
  readonly program?: OnlineProgram;
  /**
   * Skips the test of the exported file, which takes four times the model's memory. An import has already done this
   * test, so the service need not repeat it at startup.
   */
  readonly withoutExport?: boolean;
}

/**
 * Binds the model, adapts it with two steps, scores all users, writes the customised model as a file, and scores the
 * users with that file. Each of these stages uses the functions that an expansion or an export calls. Leaves no files
 * behind.
 * @throws AppError invalid_model if an expansion would fail; the error names the node that fails
 */
export async function testExpansion(
  model: GeneralModel,
  { device, program: given, withoutExport = false }: TestExpansionOptions = {},
): Promise<TestExpansion> {
  const { path } = model.folder;
  const on = device ? { device } : {};
  const rng = createRng(KEY);
  const users = makeUsers(model.folder, USERS, rng);
  const campaign = { features: makeCampaign(model.folder, rng.fork('campaign')), externalId: null };
  const all = Int32Array.from({ length: USERS }, (_, row) => row);

  const program = given ?? (await at(path, 'cannot be adapted', () => openOnlineProgram(model, on)));
  try {
    const nameUser = (user: number) => `made-up user ${user}`;
    const bound = await at(path, 'cannot be scored', () =>
      BoundModel.open(model, shortened(program), users, { ...on, nameUser }),
    );
    try {
      const { parameters, customised } = await at(path, 'fails to adapt', () =>
        bound.customise({ ...campaign, key: KEY, seeds: all.slice(0, SEEDS), candidates: all.slice(SEEDS) }),
      );
      for (const [name, value] of parameters)
        if (!allFinite(value)) throw refused(path, `in a test expansion, parameter "${name}" becomes NaN or infinite`);
      const rows = users.readSegment(0);
      const scores = await at(path, 'fails to score', () => bound.score(rows, { ...campaign, parameters }));
      if (withoutExport) return { users: USERS, seeds: SEEDS, apart: null };
      const again = await at(path, 'fails to export', () => scoreExported(model, bound, customised));
      const apart = scores.reduce((most, score, i) => Math.max(most, Math.abs(score - again[i]!)), 0);
      if (!(apart <= GOLDEN_TOLERANCE))
        throw refused(
          path,
          'in a test expansion, the scores of the exported customised model differ from those of the service ' +
            `by up to ${apart}`,
        );
      return { users: USERS, seeds: SEEDS, apart };
    } finally {
      await bound.close();
    }
  } finally {
    if (!given) await program.steps.close();
  }
}

/**
 * Loads a model and runs a test expansion with it.
 * @throws AppError invalid_model
 */
export async function loadTestedModel(
  path: string,
  options: { readonly device?: Device } = {},
): Promise<{ readonly model: GeneralModel; readonly tested: TestExpansion }> {
  const model = await withAppErrors(() => loadModel(path, options));
  return { model, tested: await testExpansion(model, options) };
}

/** Returns the program with few steps, otherwise unchanged. */
function shortened(program: OnlineProgram): OnlineProgram {
  if (program.kind === 'adam') return { ...program, settings: { ...program.settings, epochs: STEPS } };
  const { settings } = program;
  const { first_pass: first } = settings;
  return {
    ...program,
    settings: {
      ...settings,
      steps: { ...settings.steps, maximum: STEPS },
      first_pass: first && { ...first, steps: STEPS },
    },
  };
}

/** Returns the scores of all users from the exported file. */
async function scoreExported(
  { folder, graph }: GeneralModel,
  { context: { population, binding } }: BoundModel,
  bytes: Uint8Array,
): Promise<Float32Array> {
  const customised = decodeCustomised(bytes, 'of a test expansion');
  const manifest = customisedManifest(folder, customised, { campaignId: 'test', version: 1 });
  const session = await openSession(customisedOnnx(folder, customised.changes, manifest));
  try {
    const rows = population.readSegment(0);
    const feeds = {
      ...encodeUsers(graph, binding, rows),
      ...encodeCampaign(graph, folder, customised.features, rows.count),
    };
    return (await session.run(feeds, { outputs: ['score'] }))['score']!.data as Float32Array;
  } finally {
    await session.close();
  }
}

/** Turns any failure into an `invalid_model` error that says what failed. */
async function at<T>(path: string, what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    const error = appErrorOf(thrown);
    if (error instanceof AppError && error.code !== 'invalid_model' && error.code !== 'storage_failed') throw error;
    throw refused(path, `the model ${what} in a test expansion: ${messageOf(error)}`, error);
  }
}

/** Maximum number of different tokens per feature among made-up users, because a vocabulary may have millions. */
const MOST_TOKENS = 64;
/** Number of tokens by which a made-up list exceeds its maximum length; these tokens are cut off. */
const TOO_MANY = 2;

/**
 * `count` users (at least two) with the model's features, as a population in memory. The first user has no values at
 * all. The second user has the last token of every vocabulary, and lists that are too long. Tokens may be unknown to
 * the model.
 */
export function makeUsers({ path, manifest, vocabularies }: ModelContract, count: number, rng: Rng): UserRows {
  const own = manifest.features.user;
  const dictionaries = new Map(
    own.map((feature) => {
      const tokens = vocabularies.get(`user.${feature.name}`)?.tokens ?? [];
      return [feature.name, dictionaryOf(someOf(tokens, rng.fork(`tokens ${feature.name}`)))];
    }),
  );
  const columns = new Map(
    own.map((feature) => {
      const codes = dictionaries.get(feature.name)!.size;
      return [feature.name, makeColumn(feature, count, codes, rng.fork(`user ${feature.name}`))];
    }),
  );
  const rows: Rows = { count, userNumbers: Int32Array.from({ length: count }, (_, i) => i), columns };
  const features = own.map((feature): UserRows['features'][number] => {
    const { name, kind, size } = featureOf(feature);
    return size === undefined ? { name, kind } : { name, kind, size };
  });
  return {
    path,
    version: 'made-up',
    features,
    rowCount: count,
    segmentCount: 1,
    dictionary: (feature) => dictionaries.get(feature)!,
    readSegment: () => rows,
    readRows: (wanted) => gatherRows(wanted, count, features, () => rows),
  };
}

/** A campaign with a value for each feature of the model. */
function makeCampaign({ manifest, vocabularies }: ModelContract, rng: Rng): CampaignValues {
  const made = (feature: ManifestFeature): CampaignValues[string] => {
    if ('size' in feature) return Array.from({ length: feature.size }, () => rng.normal());
    if (!('vocabulary_size' in feature)) return rng.normal();
    const tokens = someOf(vocabularies.get(`campaign.${feature.name}`)?.tokens ?? [], rng);
    return 'max_length' in feature ? tokens.slice(0, feature.max_length + TOO_MANY) : tokens[0]!;
  };
  return Object.fromEntries(manifest.features.campaign.map((feature) => [feature.name, made(feature)]));
}

/** The last token of a vocabulary, then other tokens in random order, then one unknown token. */
function someOf(tokens: readonly string[], rng: Rng): string[] {
  const some = new Set(tokens.slice(-1));
  for (let i = 0; i < Math.min(tokens.length, MOST_TOKENS); i++) some.add(tokens[rng.integer(tokens.length)]!);
  let unknown = 'unknown';
  while (tokens.includes(unknown)) unknown += '-';
  return [...some, unknown];
}

/** Tokens by code, starting with code 1. */
function dictionaryOf(tokens: readonly string[]): Dictionary {
  return {
    size: tokens.length + 1,
    find: (token) => tokens.indexOf(token) + 1,
    token: (code) => (code === 0 ? '' : tokens[code - 1]!),
  };
}

function makeColumn(feature: ManifestFeature, count: number, codes: number, rng: Rng): Column {
  const draw = (user: number) => (user === 0 ? 0 : user === 1 ? 1 : rng.integer(codes));
  const { kind, maxLength = 0, size = 1 } = featureOf(feature);
  const column = columnOf(kind);
  switch (column) {
    case 'single':
      return { kind: 'single', codes: Int32Array.from({ length: count }, (_, user) => draw(user)) };
    case 'multi': {
      const longest = maxLength + TOO_MANY;
      const lengths = Array.from({ length: count }, (_, user) =>
        user === 0 ? 0 : user === 1 ? longest : rng.integer(longest + 1),
      );
      const offsets = new Int32Array(count + 1);
      for (const [user, length] of lengths.entries()) offsets[user + 1] = offsets[user]! + length;
      // missing tokens do not occur in lists
      const drawn = lengths.flatMap((length, user) =>
        Array.from({ length }, () => (user === 1 ? 1 : 1 + rng.integer(codes - 1))),
      );
      return { kind: 'multi', offsets, codes: Int32Array.from(drawn) };
    }
    case 'number':
    case 'vector': {
      const values = Float32Array.from({ length: count * size }, () => rng.normal()).fill(Number.NaN, 0, size);
      return column === 'vector' ? { kind: column, size, values } : { kind: column, size: 1, values };
    }
  }
}
