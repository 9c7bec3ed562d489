/** The tables of docs/scale.md: what the simulation predicts, and how far its predictions were off. */
import { markdownTable, wrapped } from '../page.ts';
import { type Costs, type CostsFile, costsElsewhere, dollarsOf, type MeasuredRun, type Prices } from './costs.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { simulate } from './simulate.ts';

/** The sizes of the rows, and of their queues. */
const SIZES = { users: [100_000_000, 1_000_000_000], hosts: [1, 8, 64], campaigns: 10, seeds: 3 } as const;

type Sizes = { readonly users: readonly number[]; readonly hosts: readonly number[] } & Readonly<
  Record<'campaigns' | 'seeds', number>
>;

const CORES_PER_HOST = 4;
/** Of each host: two fifths of a billion users of the demo. */
const CACHE_BYTES = 100e9;
/** In the rows with random deaths: more than of any machine that is worth its price. */
const HOURS_BETWEEN_DEATHS = 1;
const RESTART_SECONDS = 120;

interface Prediction {
  readonly words: string;
  readonly scenario: Scenario;
  /** By ascending time; one for each seed of random deaths. */
  readonly outcomes: readonly Outcome[];
}

/** The predictions of all rows: a campaign alone, one during which a host dies, and a queue with random deaths. */
function predictions(costs: Costs, sizes: Sizes, note: (line: string) => void): readonly Prediction[] {
  const { campaigns, seeds } = sizes;
  return sizes.users.flatMap((users) =>
    sizes.hosts.flatMap((hosts) => {
      note(`simulating ${users.toLocaleString('en')} users on ${hosts * CORES_PER_HOST} cores`);
      const scenario = scenarioOf(users, hosts);
      const calm = simulate(costs, scenario);
      const warm = { ...scenario, isWarm: true };
      const dying = { ...scenario, deaths: [{ host: hosts - 1, at: calm.seconds / 2 }] };
      const queue = { ...scenario, campaigns, hoursBetweenDeaths: HOURS_BETWEEN_DEATHS };
      const queued = Array.from({ length: seeds }, (_, i) => simulate(costs, { ...queue, seed: `scale ${i}` }));
      return [
        { words: 'empty caches', scenario, outcomes: [calm] },
        { words: 'warm caches', scenario: warm, outcomes: [simulate(costs, warm)] },
        { words: 'empty caches, a host dies half-way', scenario: dying, outcomes: [simulate(costs, dying)] },
        {
          words: `${campaigns} campaigns queued, hosts die once an hour`,
          scenario: queue,
          outcomes: queued.sort((a, b) => a.seconds - b.seconds),
        },
      ];
    }),
  );
}

function scenarioOf(users: number, hosts: number): Scenario {
  return {
    users,
    hosts,
    coresPerHost: CORES_PER_HOST,
    campaigns: 1,
    cacheBytes: CACHE_BYTES,
    isWarm: false,
    hoursBetweenDeaths: null,
    restartSeconds: RESTART_SECONDS,
    seed: 'scale',
  };
}

/** The tables as Markdown. */
export function scaleTables(
  file: CostsFile,
  prices: Prices,
  note: (line: string) => void,
  sizes: Sizes = SIZES,
): string[] {
  const costs = costsElsewhere(file);
  const rows = predictions(costs, sizes, note).map((prediction) => lineOf(prediction, prices));
  const { origin, population } = costs;
  const bytes = (1e9 * population.segmentBytes) / population.segmentUsers;
  const month = ((bytes / 1e9) * prices.gigabyteMonth.dollars).toFixed(0);
  return [
    ...wrapped(
      `Costs: ${origin.machine}, ${origin.date} (${origin.command}). Prices: ${prices.name}, ${prices.date}; ` +
        `a billion users take ${gigabytes(bytes)}, $${month} a month.`,
    ),
    '',
    '| users | cores | case | minutes | read | written | requests | database calls | coordination | deaths | dollars |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...assumptions(file),
  ];
}

function lineOf({ words, scenario, outcomes }: Prediction, prices: Prices): string {
  const { users, hosts } = scenario;
  const middle = outcomes[outcomes.length >> 1]!;
  const { processorSeconds } = middle;
  const all = Object.values(processorSeconds).reduce((a, b) => a + b);
  const cells = [
    users.toLocaleString('en'),
    hosts * CORES_PER_HOST,
    words,
    range(outcomes.map(({ seconds }) => seconds / 60)),
    gigabytes(middle.bytesRead),
    gigabytes(middle.bytesWritten),
    (middle.reads + middle.writes).toLocaleString('en'),
    middle.databaseCalls.toLocaleString('en'),
    `${digits((100 * processorSeconds.coordinate) / all)} %`,
    middle.deaths,
    digits(dollarsOf(prices, scenario, middle)),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Compares predictions from the costs of a machine with what was measured on it. */
export function errorTable({ costs, runs }: Pick<CostsFile, 'costs' | 'runs'>): string[] {
  const rows = runs.map((run) => {
    const seconds = predictRun(costs, run);
    const error = (100 * (seconds - run.seconds)) / run.seconds;
    const { engines, threads, users, campaigns } = run;
    const cells = [engines, threads, users.toLocaleString('en'), campaigns].map(String);
    return [...cells, `${run.seconds.toFixed(1)} s`, `${seconds.toFixed(1)} s`, `${error.toFixed(1)} %`];
  });
  return markdownTable(['engines', 'threads', 'users', 'campaigns', 'measured', 'predicted', 'error'], rows);
}

/**
 * Threads that are more than the cores of their machine take so much more processor time, wherever they are: one engine
 * of four threads on two cores took 1.05 to 1.09 times as much as one of two (docs/scale.md, "More engines").
 */
const CROWDED = 1.08;

/** Seconds that the simulation predicts for a run of real engines with warm caches. */
export function predictRun(costs: Costs, { engines, threads, cores, users, campaigns }: MeasuredRun): number {
  const isCrowded = engines * threads > cores;
  const sharedCores = cores / (isCrowded ? CROWDED : 1);
  const onOne = { coresPerHost: threads, sharedCores, campaigns, isWarm: true };
  return simulate(costs, { ...scenarioOf(users, engines), ...onOne }).seconds;
}

function assumptions({ costs: { origin }, elsewhere }: CostsFile): string[] {
  const others = Object.entries(elsewhere).map(([name, { reason }]) => [name, reason] as const);
  const names = [...Object.entries(origin.assumed), ...others];
  if (names.length === 0) return [];
  return [
    'Costs that were not measured:',
    '',
    ...names.flatMap(([name, reason]) => wrapped(`- \`${name}\`: ${reason}`, '  ')),
  ];
}

function range(ascending: readonly number[]): string {
  const [low, high] = [ascending[0]!, ascending.at(-1)!];
  return low === high
    ? digits(low)
    : `${digits(ascending[ascending.length >> 1]!)} (${digits(low)} to ${digits(high)})`;
}

function gigabytes(bytes: number): string {
  return `${digits(bytes / 1e9)} GB`;
}

function digits(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}
