/** Copies a model into a folder of models a given number of times, and removes it in between. */
import { readModelFolder } from '../../../src/model/folder.ts';
import { publishModel } from '../../../src/model/promotion.ts';

const [models, from, turns] = process.argv.slice(2) as [string, string, string];
for (let turn = 0; turn < Number(turns); turn++) {
  const path = await publishModel(`${models}-${turn}`, from);
  process.stdout.write(`${readModelFolder(path).manifest.version}\n`);
}
