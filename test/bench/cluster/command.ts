/**
 * `npm run bench -- cluster [NAME ..] [--quick] [--json] [--write PAGE] [--costs FILE] [--prices FILE]`: measures a
 * cluster on this machine, and predicts campaigns on many hosts from the costs of one engine. Without names, all.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/lib/errors.ts';
import { machineLine, thisMachine } from '../machine.ts';
import { writeTable } from '../page.ts';
import { makePopulation } from '../service.ts';
import { type CostsFile, type Prices, readInput } from './costs.ts';
import { benchCalibrate } from './measure/calibrate.ts';
import { type Ending, withEnding } from './measure/ending.ts';
import { benchEngines } from './measure/engines.ts';
import type { Measurement, MeasureOptions } from './measure/measurement.ts';
import { benchOverhead } from './measure/overhead.ts';
import { scaleTables } from './table.ts';

/** In the order in which all run: the simulation takes the costs that the calibration has measured. */
const MEASUREMENTS: Readonly<Record<string, (options: MeasureOptions) => Promise<Measurement>>> = {
  overhead: benchOverhead,
  engines: benchEngines,
  calibrate: benchCalibrate,
};
const SIMULATE = 'simulate';
const NAMES = [...Object.keys(MEASUREMENTS), SIMULATE];
const USAGE =
  `npm run bench -- cluster [${NAMES.join(' | ')}] .. [--quick] [--json] [--write PAGE] ` +
  '[--costs FILE] [--prices FILE]';

export async function benchCluster(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { costs: text, prices: text, write: text, quick: flag, json: flag };
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const unknown = positionals.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new AppError('invalid_argument', `cluster has no ${unknown.join(', ')}: ${USAGE}`);
  const { quick = false, json = false, write } = values;
  const costs = values.costs ?? join(import.meta.dirname, 'costs.json');
  const machine = thisMachine();
  const lines: string[] = [];
  const tell = (name: string, { lines: told, figures }: Measurement) => {
    if (write !== undefined) writeTable(write, name === SIMULATE ? 'cluster' : `cluster ${name}`, told);
    lines.push(...(json ? [JSON.stringify({ name: `cluster ${name}`, machine, figures })] : [...told, '']));
  };
  await withEnding(async (ending) => {
    const populationOf = populations(ending, note);
    for (const name of NAMES.filter((one) => positionals.length === 0 || positionals.includes(one))) {
      note(`cluster ${name}`);
      const measure = MEASUREMENTS[name];
      if (measure !== undefined) {
        const known = readInput<CostsFile>(costs);
        const measured = await ending.within((own) => measure({ quick, note, ending: own, populationOf, known }));
        tell(name, { ...measured, lines: [`${machineLine(machine)}.`, '', ...measured.lines] });
        // small sizes are for trying the command: they replace no costs, unless a file is named
        const isKept = measured.costs !== undefined && (!quick || values.costs !== undefined);
        if (isKept) writeFileSync(costs, `${JSON.stringify(measured.costs, null, 2)}\n`);
      } else {
        const prices = readInput<Prices>(values.prices ?? join(import.meta.dirname, 'prices.json'));
        tell(name, { lines: scaleTables(readInput<CostsFile>(costs), prices, note), figures: {} });
      }
    }
  });
  return lines;
}

/** Makes each population once, for all measurements. */
function populations(ending: Ending, note: (line: string) => void): MeasureOptions['populationOf'] {
  const made = new Map<number, string>();
  return async (users) => {
    const known = made.get(users);
    if (known !== undefined) return known;
    note(`making a population of ${users.toLocaleString('en')} people`);
    const folder = join(ending.folder(), String(users));
    mkdirSync(folder);
    const population = await makePopulation(folder, users);
    made.set(users, population);
    return population;
  };
}
