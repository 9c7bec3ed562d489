/** Updates a population: changes and deletes users, and removes and switches versions. */
export { fitSchema, schemaOfFeatures, type UpdateFilesResult, updateFiles } from './update/update-files.ts';
export { makeCurrent, pruneVersions } from './versions/versions.ts';
