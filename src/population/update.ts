/** Updates a population: users who changed or left, and which versions are kept and served. */
export { fitSchema, schemaOfFeatures, type UpdateFilesResult, updateFiles } from './update/update-files.ts';
export { makeCurrent, pruneVersions } from './versions/versions.ts';
