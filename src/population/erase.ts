/** Erases users from every version of a population. */
export { type ErasuresRepair, eraseUsers, repairErasures } from './erase/erase-users.ts';
export { Erasures, findKeyFault } from './erase/erasures.ts';
export { redactErasedUsers } from './versions/versions.ts';
