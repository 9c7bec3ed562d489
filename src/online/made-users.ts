/** Made-up users and a made-up campaign for a model. Test expansions run on them before there is a population. */
import { columnOf } from '../lib/feature-kinds.ts';
import type { Rng } from '../lib/rng.ts';
import type { ModelContract } from '../model/folder.ts';
import { featureOf, type ManifestFeature } from '../model/manifest.ts';
import { type Column, type Dictionary, gatherRows, type Rows, type UserRows } from '../population/read.ts';
import type { CampaignValues } from './encode.ts';

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
export function makeCampaign({ manifest, vocabularies }: ModelContract, rng: Rng): CampaignValues {
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
