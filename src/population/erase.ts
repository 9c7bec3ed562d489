/** Erases users from every version of a population. */
export { eraseUsers } from './erase/erase-users.ts';
export { Erasures, findKeyFault } from './erase/erasures.ts';
export { type ErasuresRepair, repairErasures } from './erase/repair-erasures.ts';
export { redactErasedUsers } from './versions/versions.ts';
