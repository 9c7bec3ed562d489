/**
 * `npm run bench -- cluster simulate [--costs FILE] [--prices FILE] [--write PAGE]`: predicts campaigns on many hosts
 * from the costs of one engine.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/lib/errors.ts';
import { writeTable } from '../page.ts';
import { readCosts } from './costs.ts';
import { readPrices } from './prices.ts';
import { scaleTables } from './table.ts';

const USAGE = 'npm run bench -- cluster simulate [--costs FILE] [--prices FILE] [--write PAGE]';

export async function benchCluster(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const text = { type: 'string' } as const;
  const options = { costs: text, prices: text, write: text };
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  if (positionals.length !== 1 || positionals[0] !== 'simulate')
    throw new AppError('invalid_argument', `say what to do: ${USAGE}`);
  const costs = readCosts(values.costs ?? join(import.meta.dirname, 'costs.json'));
  const prices = readPrices(values.prices ?? join(import.meta.dirname, 'prices.json'));
  const tables = scaleTables(costs, prices, note);
  if (values.write !== undefined) writeTable(values.write, 'cluster', tables);
  return tables;
}
