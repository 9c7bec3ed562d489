/** Reads a population: opens versions, reads rows, compares versions, and checks files. */
export {
  type AddedRows,
  type CheckedValues,
  openValueCheck,
  readAddedRows,
  withAddedRows,
} from './read/added-rows.ts';
export { bandLabel, bandOf, quantileEdges } from './read/bands.ts';
export type { Dictionary } from './read/dictionary.ts';
export { diffPopulations, type PopulationDiff } from './read/diff.ts';
export { type Directory, type ShownUsers, withOtherIds } from './read/directory.ts';
export { gatherRows } from './read/gather.ts';
export { PopulationOpener } from './read/open-beside.ts';
export { derivedFeatures, PAST_CAMPAIGNS, readPastCampaigns } from './read/past-campaigns.ts';
export { hasVersion, openPopulation, type Population, type UserRows } from './read/population.ts';
export type { FeatureUse } from './read/review.ts';
export { PopulationReviewer } from './read/review-beside.ts';
export { SegmentMemory } from './read/segment-memory.ts';
export {
  type Column,
  isTokenColumn,
  type NumberColumn,
  type Rows,
  SEGMENT_ROWS,
  startOf,
  type TokenColumn,
} from './read/segments.ts';
export { succeed, viewOf } from './read/succession.ts';
export { type PopulationFile, withPopulationFiles } from './versions/copy-files.ts';
export {
  findCurrentVersion,
  listFiles,
  listVersions,
  publishedAt,
  readManifest,
  versionSum,
} from './versions/manifest.ts';
export { checkFile, filesOfVersion, isCut, verifyVersion } from './versions/verify.ts';
export { summariseVersions, type VersionSummary, versionBefore } from './versions/versions.ts';
