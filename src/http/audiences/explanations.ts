/** Computes a limited number of explanations at a time, and caches them. */
import { LRUCache } from 'lru-cache';
import type { AudienceExplainer, AudienceToExplain, Explanation } from '../../service/ports/audiences.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { AudienceLimits } from './limits.ts';

/**
 * Explains an audience, or returns the cached explanation of the same ranking and size, which never changes. Concurrent
 * requests for the same explanation share one computation.
 * @throws AppError unavailable (with retry_after) if too many other explanations are being computed; and the errors of
 * the explainer
 */
export function createExplanations({
  config,
  explainer,
}: {
  readonly config: AudienceLimits;
  readonly explainer: AudienceExplainer;
}): (audience: AudienceToExplain) => Promise<Explanation> {
  const take = createSlots(config.maximumOpenExplanations, 'explanations are being computed');
  const kept = new LRUCache<string, Promise<Explanation>>({ max: config.keptExplanations });
  return (audience) => {
    const key = `${audience.size} ${audience.folder}`;
    const known = kept.get(key);
    if (known) return known;
    const made = explainWith(explainer, audience, take());
    kept.set(key, made);
    made.catch(() => kept.delete(key));
    return made;
  };
}

async function explainWith(
  explainer: AudienceExplainer,
  audience: AudienceToExplain,
  release: () => void,
): Promise<Explanation> {
  try {
    return await explainer.explain(audience);
  } finally {
    release();
  }
}
