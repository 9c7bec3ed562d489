/** The tables of docs/scale.md: what the simulation predicts, and how far its predictions were off. */
import { markdownTable, wrapped } from '../page.ts';
import { type Costs, type CostsFile, costsElsewhere, type MeasuredRun, type Prices } from './costs.ts';
import { type Outcome, type Scenario, simulate } from './simulate.ts';

/** The sizes of the rows, and of their queues. */
const SIZES = { users: [100_000_000, 1_000_000_000], hosts: [1, 8, 64] } as const;
type Sizes = Readonly<Record<keyof typeof SIZES, readonly number[]>>;
const QUEUED = 10;
const CORES_PER_HOST = 4;
/** Of each host: two fifths of a billion users of the demo. */
const CACHE_BYTES = 100e9;

const HEAD = [
  ...['users', 'cores', 'case', 'minutes', 'read', 'written'],
  ...['requests', 'database calls', 'coordination', 'dollars'],
];

interface Prediction {
  readonly words: string;
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

/** The predictions of all rows: a campaign alone, one during which a host dies, and a queue. */
function predictions(costs: Costs, { users, hosts }: Sizes, note: (line: string) => void): readonly Prediction[] {
  return users.flatMap((population) =>
    hosts.flatMap((count) => {
      note(`simulating ${population.toLocaleString('en')} users on ${count * CORES_PER_HOST} cores`);
      const scenario = scenarioOf(population, count);
      const predict = (words: string, changes: Partial<Scenario>): Prediction => {
        const changed = { ...scenario, ...changes };
        return { words, scenario: changed, outcome: simulate(costs, changed) };
      };
      const alone = predict('empty caches', {});
      return [
        alone,
        predict('warm caches', { isWarm: true }),
        predict('empty caches, a host dies half-way', { deathAt: alone.outcome.seconds / 2 }),
        predict(`${QUEUED} campaigns queued`, { campaigns: QUEUED }),
      ];
    }),
  );
}

function scenarioOf(users: number, hosts: number): Scenario {
  return { users, hosts, coresPerHost: CORES_PER_HOST, campaigns: 1, cacheBytes: CACHE_BYTES };
}

/** The tables as Markdown. */
export function scaleTables(
  file: CostsFile,
  prices: Prices,
  note: (line: string) => void,
  sizes: Sizes = SIZES,
): string[] {
  const costs = costsElsewhere(file);
  const rows = predictions(costs, sizes, note).map((prediction) => cellsOf(prediction, prices));
  const { origin, population } = costs;
  const bytes = (1e9 * population.segmentBytes) / population.segmentUsers;
  const month = ((bytes / 1e9) * prices.gigabyteMonth.dollars).toFixed(0);
  return [
    ...wrapped(
      `Costs: ${origin.machine}, ${origin.date} (${origin.command}). Prices: ${prices.name}, ${prices.date}; ` +
        `a billion users take ${gigabytes(bytes)}, $${month} a month.`,
    ),
    '',
    ...markdownTable(HEAD, rows),
    '',
    ...assumptions(file),
  ];
}

function cellsOf({ words, scenario, outcome }: Prediction, prices: Prices): string[] {
  const { users, hosts } = scenario;
  const { processorSeconds } = outcome;
  const all = Object.values(processorSeconds).reduce((a, b) => a + b);
  return [
    users.toLocaleString('en'),
    String(hosts * CORES_PER_HOST),
    words,
    digits(outcome.seconds / 60),
    gigabytes(outcome.bytesRead),
    gigabytes(outcome.bytesWritten),
    (outcome.reads + outcome.writes).toLocaleString('en'),
    outcome.databaseCalls.toLocaleString('en'),
    `${digits((100 * processorSeconds.coordinate) / all)} %`,
    digits(dollarsOf(prices, scenario, outcome)),
  ];
}

/**
 * Hosts and database until the end, also while they are idle, and requests, without the storage and the API's nodes.
 */
function dollarsOf(prices: Prices, { hosts, coresPerHost }: Scenario, outcome: Outcome): number {
  const perHour = hosts * coresPerHost * prices.coreHour.dollars + prices.databaseHour.dollars;
  const requests = outcome.reads * prices.thousandReads.dollars + outcome.writes * prices.thousandWrites.dollars;
  return (outcome.seconds / 3600) * perHour + requests / 1000;
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

function gigabytes(bytes: number): string {
  return `${digits(bytes / 1e9)} GB`;
}

function digits(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}
