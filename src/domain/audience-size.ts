/** The rule of an audience's size. */
import type { AudienceRequest } from './types.ts';

/**
 * How many of the candidates are members: the requested size, or a percentage of the population rounded up, both capped
 * by the candidates.
 */
export function audienceSize(request: AudienceRequest, candidates: number, populationSize: number): number {
  if ('size' in request) return Math.min(candidates, Math.max(1, request.size));
  const share = (populationSize * request.percent) / 100;
  // 33.2 % of 50,534,000 is 16777288.000000002 in floating point, and must not round up; the error is below 4e-16 of
  // it.
  const wanted = Math.ceil(share - Math.max(1e-9, share * 1e-15));
  return Math.min(candidates, Math.max(1, wanted));
}
