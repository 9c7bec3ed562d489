/** What an import tells while it runs. */
import { describe, expect, it } from 'vitest';
import { progressWriter } from '../../src/cli/commands/population/import.ts';

describe('the progress of an import', () => {
  it('has the phase, then rows, rows a second and the time that is left', () => {
    const lines: string[] = [];
    let elapsed = 5000;
    const output = { result: () => {}, note: () => {}, progress: (line: string) => void lines.push(line) };
    const tell = progressWriter(output, { now: () => 0, elapsed: () => elapsed });
    tell({ phase: 'checking', rows: 70 });
    tell({ phase: 'writing', rows: 0, total: 1000 });
    elapsed += 2000;
    tell({ phase: 'writing', rows: 400, total: 1000 });
    tell({ phase: 'writing', rows: 400 });
    expect(lines).toEqual([
      'checking: 70 rows, 0 rows/s',
      'writing: 0 of 1000 rows, 0 rows/s',
      'writing: 400 of 1000 rows, 200 rows/s, 3 s left',
      'writing: 400 rows, 200 rows/s',
    ]);
  });
});
