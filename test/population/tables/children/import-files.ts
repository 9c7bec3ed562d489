/** An import of files in a process of its own, to be killed. */
import { importFiles } from '../../../../src/population/import/import.ts';
import { readSourceSchema } from '../../../../src/population/import/source-schema.ts';

const [schema, out, ...sources] = process.argv.slice(2) as [string, string, ...string[]];
await importFiles({ sources, schema: readSourceSchema(schema), out });
