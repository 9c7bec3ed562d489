/**
 * Which version was published when: the file `versions`, one a line, the last one published last. Times of files do not
 * say: a clock is set back, a copy or a restored backup has new ones, and content that comes again has its old name.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { type Manifest, publishedAt, readManifests } from './manifest.ts';

export const ORDER_FILE = 'versions';

/** The version that was published last, on which the next update builds; null if there is none. */
export function findNewestVersion(folder: string): string | null {
  return orderVersions(folder, readManifests(folder)).at(-1) ?? null;
}

/**
 * The versions of these manifests, the one published last last. One that the file does not name was published by an
 * earlier release: it stands behind all that know fewer users, or as many and are older by the time of their files.
 */
export function orderVersions(folder: string, manifests: readonly Manifest[]): string[] {
  const users = new Map(manifests.map(({ version, directory }) => [version, directory.count]));
  const order = readOrder(folder).filter((version) => users.has(version));
  const isBefore = (a: string, b: string) =>
    users.get(a) === users.get(b) ? publishedAt(folder, a) <= publishedAt(folder, b) : users.get(a)! < users.get(b)!;
  const named = new Set(order);
  const others = [...users.keys()].filter((version) => !named.has(version));
  for (const version of others.sort((a, b) => (isBefore(a, b) ? -1 : 1)))
    order.splice(order.findLastIndex((one) => isBefore(one, version)) + 1, 0, version);
  return order;
}

/** Has it that this version was published now. The caller is the folder's writer. @throws AppError storage_failed */
export function recordPublished(folder: string, version: string): void {
  const order = orderVersions(folder, readManifests(folder)).filter((one) => one !== version);
  const text = [...order, version].map((one) => `${one}\n`).join('');
  const path = join(folder, ORDER_FILE);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(text), `${path}.tmp`));
}

/** What is no version is passed over, and of one that stands there twice the last line counts. */
function readOrder(folder: string): string[] {
  const path = join(folder, ORDER_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.filter((line, i) => lines.lastIndexOf(line) === i);
}
