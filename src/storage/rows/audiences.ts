/** Columns of audience versions, for all dialects of SQL. */
import type { Audience } from '../../domain/types.ts';
import { type Column, plain } from './columns.ts';

/** `isActive` says whether the version is the active one. */
export function audienceColumns(isActive: Column<boolean>) {
  return {
    campaignId: plain<string>('c.id'),
    version: plain<number>('a.version'),
    isActive,
    size: plain<number>('a.size'),
    candidates: plain<number>('a.candidates'),
    populationSize: plain<number>('a.population_size'),
    folder: plain<string>('a.folder'),
    populationVersion: plain<string>('a.population_version'),
    expansionId: plain<string>('e.id'),
    createdAt: plain<number>('a.created_at'),
  } satisfies Record<keyof Audience, Column<unknown>>;
}

/** A version to insert, with the numbers of the campaign and the expansion. */
export type NewAudience = Pick<Audience, 'size' | 'candidates' | 'populationSize' | 'folder' | 'populationVersion'> & {
  readonly campaign: number;
  readonly expansion: number;
};
