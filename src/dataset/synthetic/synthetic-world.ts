/**
 * The world of synthetic data sets: people with readable traits and hidden tastes, and how much they like campaigns.
 */
import { createRng, firstAbove, type Rng } from '../../lib/rng.ts';
import {
  AGE_BANDS,
  BRANDS_PER_TASTE,
  CATEGORIES,
  CATEGORY_NAMES,
  CITIES_PER_COUNTRY,
  COUNTRIES,
  DEVICES,
  HOURS,
  MISSING_SHARE,
  OCCUPATIONS,
  SEASONS,
  TASTE_COUNT,
  TASTE_NAMES,
  TASTES,
} from './synthetic-names.ts';

/** Features of the people, in the format of dataset.json. */
export const USER_FEATURES = [
  { name: 'age_band', kind: 'single' },
  { name: 'occupation', kind: 'single' },
  { name: 'country', kind: 'single' },
  { name: 'city', kind: 'single' },
  { name: 'device', kind: 'single' },
  { name: 'active_hours', kind: 'multi', max_length: 3 },
  { name: 'interests', kind: 'multi', max_length: 12 },
  { name: 'brands', kind: 'multi', max_length: 16 },
] as const;

/** Features of the campaigns, in the format of dataset.json. */
export const CAMPAIGN_FEATURES = [
  { name: 'category', kind: 'single' },
  { name: 'brand', kind: 'single' },
  { name: 'season', kind: 'single' },
  { name: 'topics', kind: 'multi', max_length: 3 },
] as const;

/** Readable features of a person or a campaign; null for an unknown value. */
export type Traits = Readonly<Record<string, string | readonly string[] | null>>;

/** A person of the world. */
export interface Person {
  readonly age: number;
  readonly country: number;
  /** The strengths of the person's tastes: `[TASTE_COUNT]`, about standard normal. */
  readonly tastes: Float64Array;
  /** The person's features in a data set. */
  readonly traits: Traits;
}

/** A campaign of the world. */
export interface PlantedCampaign {
  readonly features: Traits;
  /**
   * How much a person likes the campaign, before noise. The result depends on hidden tastes, weighted by campaign and
   * age; on a pair of tastes; and on age and country.
   */
  affinity(age: number, country: number, tastes: Float64Array | Float32Array, offset: number): number;
}

/** The ground truth of a synthetic world, determined by a key. */
export interface World {
  samplePerson(rng: Rng, tokensPerUser: number): Person;
  sampleCampaign(rng: Rng): PlantedCampaign;
}

/**
 * Creates the world for `key`. Tokens have the same meaning in all data sets from one world, so a model trained on one
 * data set works with all others.
 */
export function createWorld(key: string): World {
  const planted = plantWorld(key);
  return {
    samplePerson: (rng, tokensPerUser) => samplePerson(planted, rng, tokensPerUser),
    sampleCampaign: (rng) => sampleCampaign(planted, rng),
  };
}

type Planted = ReturnType<typeof plantWorld>;

/** The random building blocks of the world, each drawn from its own random stream. */
function plantWorld(key: string) {
  const rng = createRng(`synthetic world/${key}`);
  const normals = (label: string, count: number): Float64Array => {
    const stream = rng.fork(label);
    return Float64Array.from({ length: count }, () => stream.normal());
  };
  const k = TASTE_COUNT;
  const byAge = normals('age', AGE_BANDS.length * k);
  const byOccupation = normals('occupation', OCCUPATIONS.length * k);
  const byAgeAndOccupation = normals('age and occupation', AGE_BANDS.length * OCCUPATIONS.length * k);
  const byCity = normals('city', COUNTRIES.length * CITIES_PER_COUNTRY * k);
  const byDevice = normals('device', DEVICES.length * k);
  const byHour = normals('hour', HOURS.length * k);
  const weighing = normals('age weighs tastes', AGE_BANDS.length * k);
  const categoryByAge = normals('category by age', CATEGORY_NAMES.length * AGE_BANDS.length);
  const seasonByCountry = normals('season by country', SEASONS.length * COUNTRIES.length);
  const interests = plantTokens(
    rng.fork('interests'),
    TASTE_NAMES.flatMap((taste) => TASTES[taste]),
    TASTES.outdoors.length,
  );
  const brands = plantTokens(rng.fork('brands'), brandNames(rng.fork('brand names')), BRANDS_PER_TASTE);
  return {
    byAge,
    byOccupation,
    byAgeAndOccupation,
    byCity,
    byDevice,
    byHour,
    weighing,
    categoryByAge,
    seasonByCountry,
    interests,
    brands,
  };
}

function samplePerson(
  { byAge, byOccupation, byAgeAndOccupation, byCity, byDevice, byHour, interests, brands }: Planted,
  stream: Rng,
  tokensPerUser: number,
): Person {
  const k = TASTE_COUNT;
  const age = stream.integer(AGE_BANDS.length);
  const occupation = stream.integer(OCCUPATIONS.length);
  const country = stream.integer(COUNTRIES.length);
  const city =
    country * CITIES_PER_COUNTRY + Math.min(stream.integer(CITIES_PER_COUNTRY), stream.integer(CITIES_PER_COUNTRY));
  const tastes = new Float64Array(k);
  for (let t = 0; t < k; t++) {
    tastes[t] =
      0.35 * byAge[age * k + t]! +
      0.35 * byOccupation[occupation * k + t]! +
      0.45 * byAgeAndOccupation[(age * OCCUPATIONS.length + occupation) * k + t]! +
      0.2 * byCity[city * k + t]! +
      0.7 * stream.normal();
  }
  const device = choose(stream, DEVICES.length, (i) => 0.5 * project(byDevice, i, tastes));
  const known = <T>(value: T): T | null => (stream.uniform() < MISSING_SHARE ? null : value);
  const hour = (): string => HOURS[choose(stream, HOURS.length, (i) => 0.5 * project(byHour, i, tastes))]!;
  const amount = (mean: number): number => 1 + stream.integer(Math.max(1, 2 * mean - 1));
  const traits = {
    age_band: known(AGE_BANDS[age]!),
    occupation: known(OCCUPATIONS[occupation]!),
    country: known(COUNTRIES[country]!),
    city: known(`${COUNTRIES[country]!} ${1 + (city % CITIES_PER_COUNTRY)}`),
    device: known(DEVICES[device]!),
    active_hours: [...new Set(Array.from({ length: 1 + stream.integer(3) }, hour))],
    interests: sampleTokens(stream, interests, tastes, amount(tokensPerUser * 0.45)),
    brands: sampleTokens(stream, brands, tastes, amount(tokensPerUser * 0.55)),
  };
  return { age, country, tastes, traits };
}

function sampleCampaign(
  { weighing, categoryByAge, seasonByCountry, interests, brands }: Planted,
  stream: Rng,
): PlantedCampaign {
  const k = TASTE_COUNT;
  const category = stream.integer(CATEGORY_NAMES.length);
  const brand = stream.integer(brands.names.length);
  const season = stream.integer(SEASONS.length);
  const [first, second] = CATEGORIES[CATEGORY_NAMES[category]!]!.map((taste) => TASTE_NAMES.indexOf(taste)) as [
    number,
    number,
  ];
  const weights = new Float64Array(k);
  for (let t = 0; t < k; t++) weights[t] = 0.35 * stream.normal() + 0.4 * brands.vectors[brand * k + t]!;
  weights[first]! += 1;
  weights[second]! += 0.5;
  const features = {
    category: CATEGORY_NAMES[category]!,
    brand: brands.names[brand]!,
    season: SEASONS[season]!,
    topics: sampleTokens(stream, interests, weights, 2 + stream.integer(2)),
  };
  const affinity = (age: number, country: number, tastes: Float64Array | Float32Array, offset: number): number => {
    let sum = 0;
    for (let t = 0; t < k; t++) sum += weights[t]! * (1 + 0.8 * weighing[age * k + t]!) * tastes[offset + t]!;
    sum += 0.5 * tastes[offset + first]! * tastes[offset + second]!;
    return (
      sum +
      0.5 * categoryByAge[category * AGE_BANDS.length + age]! +
      0.4 * seasonByCountry[season * COUNTRIES.length + country]!
    );
  };
  return { features, affinity };
}

/** Tokens, each with a position in taste space and a popularity. */
interface PlantedTokens {
  readonly names: readonly string[];
  /** `[names, TASTE_COUNT]` */
  readonly vectors: Float64Array;
  /** The popularity of tokens: `[names]`, the logarithm of how common a token is. */
  readonly popularity: Float64Array;
}

function plantTokens(rng: Rng, names: readonly string[], perTaste: number): PlantedTokens {
  const vectors = Float64Array.from({ length: names.length * TASTE_COUNT }, () => 0.25 * rng.normal());
  names.forEach((_, i) => {
    vectors[i * TASTE_COUNT + Math.floor(i / perTaste)]! += 1;
  });
  return { names, vectors, popularity: Float64Array.from(names, () => 0.7 * rng.normal()) };
}

const SYLLABLES = [
  'al',
  'bo',
  'ca',
  'dor',
  'el',
  'fa',
  'gi',
  'hu',
  'ix',
  'jo',
  'ka',
  'lum',
  'mi',
  'no',
  'or',
  'pax',
  'qui',
  'ra',
  'sol',
  'ty',
  'ul',
  'va',
  'wen',
  'zo',
];

function brandNames(rng: Rng): string[] {
  const names = new Set<string>();
  while (names.size < TASTE_NAMES.length * BRANDS_PER_TASTE) {
    const name = Array.from({ length: 2 + rng.integer(2) }, () => SYLLABLES[rng.integer(SYLLABLES.length)]!).join('');
    names.add(name[0]!.toUpperCase() + name.slice(1));
  }
  return [...names];
}

/**
 * Samples up to `count` distinct tokens. One token in ten is sampled uniformly; all others are sampled with P ~
 * exp(popularity + vector . tastes).
 */
function sampleTokens(rng: Rng, tokens: PlantedTokens, tastes: Float64Array, count: number): string[] {
  const size = tokens.names.length;
  const cumulative = new Float64Array(size);
  let total = 0;
  for (let i = 0; i < size; i++) {
    total += Math.exp(tokens.popularity[i]! + 1.2 * project(tokens.vectors, i, tastes));
    cumulative[i] = total;
  }
  const sampled = new Set<string>();
  for (let n = 0; n < count; n++) {
    const token = rng.uniform() < 0.1 ? rng.integer(size) : firstAbove(cumulative, rng.uniform() * total);
    sampled.add(tokens.names[token]!);
  }
  return [...sampled];
}

/** Samples an index i with P ~ exp(logit(i)). */
function choose(rng: Rng, count: number, logit: (i: number) => number): number {
  const cumulative = new Float64Array(count);
  let total = 0;
  for (let i = 0; i < count; i++) cumulative[i] = total += Math.exp(logit(i));
  return firstAbove(cumulative, rng.uniform() * total);
}

/** The dot product of row i of `vectors` and `tastes`. */
function project(vectors: Float64Array, i: number, tastes: Float64Array): number {
  let sum = 0;
  for (let t = 0; t < TASTE_COUNT; t++) sum += vectors[i * TASTE_COUNT + t]! * tastes[t]!;
  return sum;
}
