/** Match reports in the words of the API. */
import type { z } from 'zod';
import type { SeedCounts } from '../../domain/types.ts';
import type { ChangeReport, MatchReport } from '../../domain/user-sets.ts';
import { presentTime } from '../plugins/present-time.ts';
import type { Hint } from './match-hints.ts';
import type { userSetSchema } from './schemas.ts';

/** How a set of users matches the served population, as JSON. */
export function presentMatchReport(report: MatchReport, populationVersion: string): z.output<typeof userSetSchema> {
  const { users, received, known, unknown, duplicate, suppressed, unknownExamples, createdAt, updatedAt } = report;
  return {
    users,
    received,
    known,
    unknown,
    duplicate,
    ...(suppressed === null ? {} : { suppressed }),
    unknown_examples: unknownExamples,
    population_version: populationVersion,
    created_at: createdAt === null ? null : presentTime(createdAt),
    updated_at: updatedAt === null ? null : presentTime(updatedAt),
  };
}

/** A change's report as JSON: for the set, and for the ids sent. */
export function presentChangeReport(
  { sent, ...report }: ChangeReport,
  populationVersion: string,
  hints: readonly Hint[],
): z.output<typeof userSetSchema> {
  const { received, known, unknown, duplicate, unknownExamples } = sent;
  return {
    ...presentMatchReport(report, populationVersion),
    sent: {
      received,
      known,
      unknown,
      duplicate,
      known_percent: knownPercent(sent),
      unknown_examples: unknownExamples,
      hints,
    },
  };
}

/** Known users as a percentage of all distinct ids, to a tenth and never rounded up: 99.9 is not everyone. */
export function knownPercent({ known, unknown }: Pick<SeedCounts, 'known' | 'unknown'>): number {
  return Math.floor((known * 1_000) / (known + unknown)) / 10;
}
