/**
 * The order of publication, stored in the file `versions` with one version per line, latest last. File times cannot
 * replace this file, because clocks may be set back, copies and restored backups have new times, and publishing the
 * same content again writes no new files.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { type Manifest, publishedAt, readManifests } from './manifest.ts';

export const ORDER_FILE = 'versions';

/** The version published last, which the next update builds on; null if no version is published. */
export function findNewestVersion(folder: string): string | null {
  return orderVersions(folder, readManifests(folder)).at(-1) ?? null;
}

/**
 * The versions of these manifests in order of publication. A version that the order file does not list comes last,
 * because its writer was killed before it could record the publication.
 */
export function orderVersions(folder: string, manifests: readonly Manifest[]): string[] {
  const published = new Set(manifests.map(({ version }) => version));
  const order = readOrder(folder).filter((version) => published.delete(version));
  const others = [...published].sort((a, b) => publishedAt(folder, a) - publishedAt(folder, b));
  return [...order, ...others];
}

/** Records the publication of a version. The caller must be the folder's writer. @throws AppError storage_failed */
export function recordPublished(folder: string, version: string): void {
  const order = orderVersions(folder, readManifests(folder)).filter((one) => one !== version);
  const text = [...order, version].map((one) => `${one}\n`).join('');
  const path = join(folder, ORDER_FILE);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(text), `${path}.tmp`));
}

/** Parses the file. Lines that do not name a version are skipped. If a version is repeated, its last line counts. */
function readOrder(folder: string): string[] {
  const path = join(folder, ORDER_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.filter((line, i) => lines.lastIndexOf(line) === i);
}
