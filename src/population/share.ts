/** Shares a population between hosts: publishes versions, mirrors them, and erases users everywhere. */
export { PublishedPopulation } from './share/import-destination.ts';
export { Mirror } from './share/mirror.ts';
export type { MirrorCounts } from './share/mirror-files.ts';
export { publishPopulation, pullPopulation } from './share/publish.ts';
export { listRecordedFiles } from './share/recorded-files.ts';
export { prunePublished } from './share/sweep.ts';
export { UserSideStore } from './share/user-side-store.ts';
