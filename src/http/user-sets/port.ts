/** What the routes of sets of users call. */
import type { ServerDependencies } from '../dependencies.ts';

export type UserSetNeeds = Pick<ServerDependencies, 'clock' | 'config' | 'population'> & {
  readonly store: Pick<ServerDependencies['store'], 'get' | 'userSets'>;
};
