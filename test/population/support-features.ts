/** The schema of the small data sets; apart from `support.ts`, which needs a test runner. */
import type { Feature } from '../../src/dataset/features.ts';

export const FEATURES: readonly Feature[] = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi', maxLength: 3 },
];
