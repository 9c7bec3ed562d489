/**
 * The keys of blobs. Below the prefix, a folder has its manifest at `<folder>/_manifest.json`, the files of each
 * publication at `<folder>/_<id>/<file>`, and single files at `<folder>/<file>`.
 */
import { dirname, join, normalize } from 'node:path/posix';
import { assert } from '../../lib/errors.ts';

const MANIFEST = '_manifest.json';

/** The place of an object in a folder. */
export type KeyParts =
  | { readonly kind: 'manifest'; readonly folder: string }
  | { readonly kind: 'published'; readonly folder: string; readonly id: string; readonly file: string }
  | { readonly kind: 'single'; readonly folder: string; readonly file: string };

/** The path of a folder or file, without the prefix. Throws if the name leads out of the store. */
export function pathOf(...names: string[]): string {
  const name = normalize(join(...names)).replace(/\/$/, '');
  assert(!name.startsWith('..') && !name.startsWith('/'), `blob ${name} leads out of the store`);
  // names of manifests and publications begin with an underscore
  assert(!/(^|\/)_/.test(name), `the name of blob ${name} is reserved`);
  return name;
}

export function manifestKey(prefix: string, folder: string): string {
  return `${prefix}${pathOf(folder)}/${MANIFEST}`;
}

export function publishedKey(prefix: string, folder: string, id: string, file: string): string {
  return `${prefix}${pathOf(folder)}/_${id}/${pathOf(file)}`;
}

export function singleKey(prefix: string, folder: string, file: string): string {
  return `${prefix}${pathOf(folder, file)}`;
}

export function folderPrefix(prefix: string, folder: string): string {
  return `${prefix}${pathOf(folder)}/`;
}

/** The inverse of the functions above. */
export function partsOf(prefix: string, key: string): KeyParts {
  const path = key.slice(prefix.length);
  const [, folder, id, file] = /^(.*?)\/_([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  if (folder === undefined || id === undefined) {
    const end = path.lastIndexOf('/');
    return { kind: 'single', folder: path.slice(0, Math.max(end, 0)), file: path.slice(end + 1) };
  }
  if (file === undefined) return { kind: 'manifest', folder };
  return { kind: 'published', folder, id, file };
}

/** The common prefix of these names. */
export function commonBeginning(names: readonly string[]): string {
  const [first, last] = [names.toSorted()[0]!, names.toSorted().at(-1)!];
  let length = 0;
  while (length < first.length && first[length] === last[length]) length += 1;
  return first.slice(0, length);
}

/** Whether a folder is one of these folders or below one of them. */
export function isBelow(folders: ReadonlySet<string>, folder: string): boolean {
  for (let at = folder; at !== '.' && at !== '/'; at = dirname(at)) if (folders.has(at)) return true;
  return false;
}
