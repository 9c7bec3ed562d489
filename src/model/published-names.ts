/** Names of the files of published models in the storage of blobs. */

export const FILES_PREFIX = 'models/files/';
export const MANIFESTS_PREFIX = 'models/manifests/';
/** Markers of removals of unused files that are running. */
export const SWEEP_PREFIX = 'models/sweeps/';
const SUFFIX = '.json';

export const manifestName = (version: string): string => `${MANIFESTS_PREFIX}${version}${SUFFIX}`;
export const versionOfManifest = (name: string): string => name.slice(MANIFESTS_PREFIX.length, -SUFFIX.length);
