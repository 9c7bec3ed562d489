/** The prices of a cloud, an input of the table with its date and sources, and what a simulated run costs. */
import { z } from 'zod';
import { readInput } from './costs.ts';
import type { Outcome, Scenario } from './scenario.ts';

const price = z.strictObject({ dollars: z.number().nonnegative(), source: z.string().min(1) });

const pricesSchema = z.strictObject({
  name: z.string(),
  date: z.iso.date(),
  coreHour: price,
  databaseHour: price,
  thousandReads: price,
  thousandWrites: price,
  gigabyteMonth: price,
});

export type Prices = z.infer<typeof pricesSchema>;

/** @throws AppError invalid_argument with the path of the first fault */
export function readPrices(path: string): Prices {
  return readInput(path, pricesSchema);
}

/**
 * Hosts and database from the POST until the end, also while they are idle, and requests. Not included: the storage of
 * the population (`storagePerMonth`), and the API's nodes.
 */
export function dollarsOf(prices: Prices, { hosts, coresPerHost }: Scenario, outcome: Outcome): number {
  const hours = outcome.seconds / 3600;
  return (
    hours * (hosts * coresPerHost * prices.coreHour.dollars + prices.databaseHour.dollars) +
    (outcome.reads / 1000) * prices.thousandReads.dollars +
    (outcome.writes / 1000) * prices.thousandWrites.dollars
  );
}

/** Dollars per month for this many bytes of object storage. */
export function storagePerMonth(prices: Prices, bytes: number): number {
  return (bytes / 1e9) * prices.gigabyteMonth.dollars;
}
