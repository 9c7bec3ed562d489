/** Shares a population between hosts: publishes versions, mirrors them, and erases users everywhere. */
export { Mirror, type MirrorOptions } from './share/mirror.ts';
export { type PublishReport, publishPopulation } from './share/publish.ts';
export { type PullReport, pullPopulation } from './share/pull.ts';
export { prunePublished, type SweepReport } from './share/sweep.ts';
export { UserSideStore } from './share/user-side-store.ts';
