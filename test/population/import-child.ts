/** An import in a process of its own, to be killed. */
import { importPopulation } from '../../src/population/import/import.ts';
import { FEATURES } from './support-features.ts';

const [source, out] = process.argv.slice(2) as [string, string];
await importPopulation({ source, features: FEATURES, out });
