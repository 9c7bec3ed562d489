/** Texts for what caused an audience version. */
import type { AudienceVersion } from '../../api/types.ts';
import { capital } from '../../ui/words.ts';

const CAUSES: Readonly<Record<AudienceVersion['cause'], string>> = {
  created: 'First build',
  requested: 'Rebuilt by a user',
  interval: 'Rebuilt on schedule',
  population: 'New population',
  change: 'Rebuilt after a change',
  resize: 'Resized',
};

const PARTS: Readonly<Record<NonNullable<AudienceVersion['changed']>[number], string>> = {
  features: 'campaign details',
  filters: 'filters',
  seeds: 'customers',
  feedback: 'reported results',
  negatives: 'negatives',
  negative_weight: 'weight of negatives',
  category: 'special category',
  four_fifths: 'four-fifths rule',
  suppression: 'suppression list',
  common_suppression: 'global suppression list',
  population: 'population',
  model: 'model',
  size: 'size',
  holdout_percent: 'hold-out',
  cuts: 'cuts',
};

/** The first expansion may have been requested, as it is when the audience is created in the console. */
export function causeWords({ cause, changed }: Pick<AudienceVersion, 'cause' | 'changed'>): string {
  return CAUSES[changed === null ? 'created' : cause];
}

/** Lists what differs from the version that was in use before; empty if nothing differs. */
export function changedWords({ changed }: Pick<AudienceVersion, 'changed'>): string {
  return capital((changed ?? []).map((part) => PARTS[part]).join(', '));
}
