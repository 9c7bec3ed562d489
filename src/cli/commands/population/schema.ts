/** `metaheac population schema --infer`. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Output } from '../../../lib/output.ts';
import { inferSchema } from '../../../population/import.ts';

export interface PopulationSchemaOptions {
  rows: number;
}

/** Prints a proposed schema as JSON on stdout. */
export async function populationSchemaCommand(
  sources: readonly string[],
  options: PopulationSchemaOptions,
  output: Output,
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'metaheac-schema-'));
  try {
    const { schema, columns } = await inferSchema(sources, scratch, options.rows);
    output.result(JSON.stringify(schema, null, 2));
    output.note(`${columns.length} columns; the notes describe their values. Edit the proposal before the import.`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
