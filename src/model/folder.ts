/**
 * Reads, checks and writes the files of a model folder without ONNX Runtime, because the API process reads them too.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../lib/errors.ts';
import {
  copyDurably,
  createFolder,
  replaceFolder,
  syncFolder,
  withStorage,
  writeDurably,
} from '../lib/files/durable-files.ts';
import { claimSibling } from '../lib/files/temporary-sibling.ts';
import { canonicalJson } from '../lib/text/canonical-json.ts';
import { CONTRACT_VERSION, type Manifest, manifestSchema } from './manifest.ts';
import { createVocabulary, type Vocabulary, vocabularyPath } from './vocabulary.ts';

export const MODEL_FILE = 'model.onnx';
export const MANIFEST_FILE = 'manifest.json';
/** The folder of the vocabularies. Vocabularies can be read without ONNX Runtime. */
const VOCABULARIES = 'vocabulary/';

/** The inputs of a model and its adaptation settings: everything known about a model that is still being trained. */
export interface ModelContract {
  /** The path that names the model in errors. */
  readonly path: string;
  readonly manifest: Pick<Manifest, 'features' | 'adaptation' | 'drift'>;
  /** Vocabularies by `user.<feature>` and `campaign.<feature>`. */
  readonly vocabularies: ReadonlyMap<string, Vocabulary>;
}

export interface ModelFolder extends ModelContract {
  readonly manifest: Manifest;
  /** Reads a file of the folder whose sha256 has been checked. */
  read(file: string): Uint8Array;
}

/**
 * Reads and checks a model folder: manifest, contract version, sha256 of every file, vocabularies. Any fault causes an
 * `invalid_model` error that names the faulty part. With `vocabulariesOnly`, only the manifest and the vocabularies are
 * ever read, because reading a large model would block the event loop for too long.
 */
export function readModelFolder(path: string, { vocabulariesOnly = false } = {}): ModelFolder {
  const manifest = readManifest(path);
  const contents = new Map<string, Uint8Array>();
  for (const [file, expected] of Object.entries(manifest.files)) {
    if (vocabulariesOnly && !file.startsWith(VOCABULARIES)) continue;
    const bytes = readInside(path, file);
    const actual = sha256Of(bytes);
    if (actual !== expected)
      throw refused(
        path,
        `${file} does not match the manifest: sha256 ${actual.slice(0, 12)}.., not ` +
          `${expected.slice(0, 12)}.. (damaged or altered)`,
      );
    contents.set(file, bytes);
  }
  if (manifest.files[MODEL_FILE] === undefined) throw refused(path, `the manifest does not list ${MODEL_FILE}`);
  if (versionOf(manifest) !== manifest.version)
    throw refused(
      path,
      `the manifest was altered: its version should be ${versionOf(manifest)}, not ${manifest.version}`,
    );
  const vocabularies = new Map<string, Vocabulary>();
  const names = new Set<string>();
  for (const side of ['user', 'campaign'] as const) {
    for (const feature of manifest.features[side]) {
      const file = vocabularyPath(side, feature.name);
      if (names.has(`${side}.${feature.name}`)) throw refused(path, `${side} feature "${feature.name}" appears twice`);
      names.add(`${side}.${feature.name}`);
      if (!('vocabulary_size' in feature)) continue;
      const bytes = contents.get(file);
      if (!bytes) throw refused(path, `the manifest does not list ${file}`);
      const tokens = parseVocabulary(path, file, bytes);
      if (tokens.length + 1 !== feature.vocabulary_size)
        throw refused(
          path,
          `${file} has ${tokens.length} tokens, but the manifest says ${feature.vocabulary_size - 1}`,
        );
      vocabularies.set(`${side}.${feature.name}`, createVocabulary(tokens));
    }
  }
  return {
    path,
    manifest,
    vocabularies,
    read(file) {
      const bytes = contents.get(file);
      if (!bytes) throw refused(path, `the manifest does not list ${file}`);
      return bytes;
    },
  };
}

/** A file to copy unchanged, without reading the whole file into memory. */
export interface FileCopy {
  readonly of: string;
  readonly sha256: string;
}

/** The contents of a model folder before it has a version. */
export interface UnversionedModel {
  readonly manifest: Omit<Manifest, 'version' | 'files' | 'contract_version'>;
  /** File contents by path: model.onnx and all files that this module does not generate. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** More files, by path, which are copied. */
  readonly copies?: ReadonlyMap<string, FileCopy>;
  /** Tokens by `user.<feature>` and `campaign.<feature>`, starting with id 1. */
  readonly vocabularies: ReadonlyMap<string, readonly string[]>;
}

/**
 * Writes a model folder completely or not at all, by syncing and renaming a temporary sibling. An existing folder is
 * replaced.
 * @throws AppError storage_failed
 */
export function writeModelFolder(out: string, model: UnversionedModel): Manifest {
  const staged = stageModelFolder(out, model);
  staged.publish();
  return staged.manifest;
}

/** A complete model folder that is not in its final place yet. The caller either publishes or removes it. */
export interface StagedModel {
  readonly path: string;
  readonly manifest: Manifest;
  /**
   * Moves the folder to its final place. If the move fails, the folder is removed.
   * @throws AppError storage_failed
   */
  publish(): void;
  remove(): void;
}

/** Writes a model folder next to its final place. @throws AppError storage_failed */
export function stageModelFolder(out: string, model: UnversionedModel): StagedModel {
  const path = resolve(out); // a trailing slash would put the temporary sibling inside
  const files = new Map<string, Uint8Array | FileCopy>([...model.files, ...(model.copies ?? [])]);
  for (const side of ['user', 'campaign'] as const) {
    for (const feature of model.manifest.features[side]) {
      if (!('vocabulary_size' in feature)) continue;
      const tokens = model.vocabularies.get(`${side}.${feature.name}`) ?? [];
      files.set(vocabularyPath(side, feature.name), Buffer.from(`${JSON.stringify(tokens)}\n`));
    }
  }
  const names = [...files.keys()].sort();
  const unversioned = {
    contract_version: CONTRACT_VERSION,
    ...model.manifest,
    files: Object.fromEntries(names.map((name) => [name, sumOf(files.get(name)!)])),
  } as const;
  const manifest: Manifest = { ...unversioned, version: versionOf(unversioned) };
  const parsed = manifestSchema.parse(manifest);
  const doing = `write the model folder ${path}`;
  const { path: temporary, aside, release } = claimSibling(path, doing);
  const orRemove = (write: () => void) => {
    try {
      withStorage(doing, write);
    } catch (error) {
      release();
      throw error;
    }
  };
  orRemove(() => {
    const contents = [...files, [MANIFEST_FILE, Buffer.from(`${JSON.stringify(parsed, null, 1)}\n`)] as const];
    for (const [name, bytes] of contents) {
      const target = join(temporary, name);
      createFolder(dirname(target));
      if (bytes instanceof Uint8Array) writeDurably(target, bytes, 'w');
      else copyDurably(bytes.of, target);
    }
    for (const folder of new Set(contents.map(([name]) => dirname(join(temporary, name))))) syncFolder(folder);
  });
  return {
    path: temporary,
    manifest: parsed,
    publish: () =>
      orRemove(() => {
        replaceFolder(temporary, path, aside);
        release();
      }),
    remove: release,
  };
}

/**
 * The sha256 of the canonical JSON of the manifest without `created` and `version`. The manifest contains the sha256 of
 * every other file.
 */
export function modelSum(manifest: Omit<Manifest, 'version'>): string {
  const { created, version, ...rest } = manifest as Manifest;
  return sha256Of(Buffer.from(canonicalJson(rest)));
}

/** The first 12 hex digits of the model's sha256. */
function versionOf(manifest: Omit<Manifest, 'version'>): string {
  return modelSum(manifest).slice(0, 12);
}

/** Reads the manifest only, without checking the other files. @throws AppError invalid_model */
export function readManifest(path: string): Manifest {
  const file = join(path, MANIFEST_FILE);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw refused(path, stat ? 'the path is not a folder' : 'not found');
  if (!existsSync(file)) throw refused(path, `the folder contains no ${MANIFEST_FILE}`);
  return parseManifest(path, readInside(path, MANIFEST_FILE));
}

/** Parses a manifest; `path` is for messages. @throws AppError invalid_model */
export function parseManifest(path: string, bytes: Uint8Array): Manifest {
  const text = Buffer.from(bytes).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refused(path, `${MANIFEST_FILE} is not JSON (truncated?): ${messageOf(error)}`, error);
  }
  const claimed = (json as { contract_version?: unknown } | null)?.contract_version;
  if (typeof claimed === 'number' && claimed > CONTRACT_VERSION) {
    throw refused(
      path,
      `the model has contract version ${claimed}, but this program supports ${CONTRACT_VERSION}: use a newer metaheac`,
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success)
    throw refused(
      path,
      `${MANIFEST_FILE} is not valid: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
      parsed.error,
    );
  return parsed.data;
}

/** Whether a file name of a manifest stays inside the folder. */
export function isInside(file: string): boolean {
  return !isAbsolute(file) && !normalize(file).split(sep).includes('..');
}

/** Reads a file in the folder; `name` must not point outside the folder. */
function readInside(path: string, file: string): Uint8Array {
  if (!isInside(file)) throw refused(path, `the file name "${file}" points outside the folder`);
  if (!existsSync(join(path, file))) throw refused(path, `${file} is missing`);
  try {
    return readFileSync(join(path, file));
  } catch (error) {
    throw refused(path, `${file} cannot be read: ${messageOf(error)}`, error);
  }
}

function parseVocabulary(path: string, file: string, bytes: Uint8Array): string[] {
  let tokens: unknown;
  try {
    tokens = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw refused(path, `${file} is not JSON: ${messageOf(error)}`, error);
  }
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string'))
    throw refused(path, `${file} is not a list of tokens`);
  if (tokens.includes('')) throw refused(path, `${file} contains an empty token, but id 0 means empty`);
  if (new Set(tokens).size !== tokens.length) throw refused(path, `${file} contains a token twice`);
  return tokens;
}

const sumOf = (file: Uint8Array | FileCopy) => (file instanceof Uint8Array ? sha256Of(file) : file.sha256);

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Returns the error for a rejected model folder. */
export function refused(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('invalid_model', `model ${path}: ${reason}`, { cause });
}
