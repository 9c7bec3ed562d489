/** Writes the page of an evaluation, and its plots as SVG files. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createFolder, replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { withSibling } from '../../lib/files/temporary-sibling.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { drawFile } from './draw.ts';
import { renderPage, reportCharts } from './page.ts';

/**
 * Creates the output folders, so that an evaluation that runs for hours does not fail at the end. Errors:
 * invalid_argument if `page` is a folder; storage_failed.
 */
export function prepareOutputs(page: string | undefined, plots: string | undefined): void {
  for (const folder of [page === undefined ? undefined : dirname(page), plots])
    if (folder !== undefined) withStorage(`create ${folder}`, () => createFolder(folder));
  if (page !== undefined && statSync(page, { throwIfNoEntry: false })?.isDirectory())
    throw new AppError('invalid_argument', `${page} is a folder: --report needs the path of a file`);
}

/** Writes the page to `path`, replacing an existing file. Errors: storage_failed. */
export function writePage(path: string, report: EvaluationReport, manifest: Manifest): void {
  write(path, renderPage(report, manifest));
}

/** Writes recall.svg, lift.svg, differences.svg and seeds.svg to `folder`, which must exist. Errors: storage_failed. */
export function writePlots(folder: string, report: EvaluationReport): string[] {
  return reportCharts(report).map((chart) => {
    const path = join(folder, `${chart.name}.svg`);
    write(path, drawFile(chart));
    return path;
  });
}

function write(path: string, text: string): void {
  const doing = `write ${path}`;
  withSibling(path, doing, ({ path: temporary }) =>
    withStorage(doing, () => replaceDurably(path, Buffer.from(text), temporary)),
  );
}
