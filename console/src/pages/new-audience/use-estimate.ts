/** The forecast for the audience, requested again whenever its inputs change. */
import { useEffect, useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Estimate } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { idOf, type ListedUser } from '../../lists/read/sample.ts';
import type { NewAudience } from './model.ts';
import { featuresOf, filtersOf, negativeWeightOf, type Values } from './values.ts';

export interface Estimated {
  /** The latest forecast, which stays visible while the next forecast is made. */
  readonly estimate: Estimate | null;
  readonly error: unknown;
  readonly isLoading: boolean;
}

/** Milliseconds after the last change until the forecast is requested. */
const PAUSE_MS = 350;
/** Interval between attempts while the service is not ready for estimates. */
const AGAIN_MS = 1_500;
const ATTEMPTS = 20;
const LATER = ['loading', 'busy', 'too_slow'];

export function useEstimate(audience: NewAudience): Estimated {
  const { api, page, connection } = useConsole();
  const [state, setState] = useState<Estimated>({ estimate: null, error: undefined, isLoading: false });
  const { values, seeds, negatives, suppression, keeping, model, population } = audience;
  const left = keeping.value.kind === 'kept' ? suppression.kept.value : null;
  const question = {
    seeds: seeds.sample.value,
    ...(negatives.sample.value.length > 0 && {
      negatives: negatives.sample.value.map(idOf),
      negative_weight: negativeWeightOf(values.value) ?? 1,
    }),
    features: featuresOf(values.value, model),
    filters: filtersOf(values.value, population),
    category: values.value.category,
    // the list is omitted until it is complete, because a part of the list would exclude too few people
    ...(left?.isWhole && { suppression: left.sample.map(idOf) }),
  };
  const key = JSON.stringify([question, population.version]);
  const returns = connection.returns.value;
  // requests are compared as text, so that the same request is not sent twice
  useEffect(() => {
    if (question.seeds.length === 0) {
      setState({ estimate: null, error: undefined, isLoading: false });
      return;
    }
    const aborted = new AbortController();
    let timer: number | undefined;
    const ask = async (attempt: number) => {
      try {
        const estimate = await estimateOf(api, question, aborted.signal);
        if (aborted.signal.aborted) return;
        const isLater = estimate.reason !== null && LATER.includes(estimate.reason.code) && attempt < ATTEMPTS;
        setState({ estimate, error: undefined, isLoading: isLater });
        if (isLater) timer = page.setTimeout(() => ask(attempt + 1), AGAIN_MS);
      } catch (error) {
        if (!aborted.signal.aborted) setState((before) => ({ ...before, error, isLoading: false }));
      }
    };
    setState((before) => ({ ...before, isLoading: true }));
    timer = page.setTimeout(() => ask(1), PAUSE_MS);
    return () => {
      aborted.abort();
      page.clearTimeout(timer);
    };
  }, [key, returns]);
  return state;
}

interface Question {
  readonly seeds: readonly ListedUser[];
  readonly negatives?: readonly string[];
  readonly negative_weight?: number;
  readonly features: ReturnType<typeof featuresOf>;
  readonly filters: ReturnType<typeof filtersOf>;
  readonly category: Values['category'];
  readonly suppression?: readonly string[];
}

/** Requests the estimate with as many seeds as the service accepts. */
async function estimateOf(api: Api, question: Question, signal: AbortSignal): Promise<Estimate> {
  const { seeds, negatives, suppression, ...others } = question;
  const bodyOf = (most?: number) => ({
    ...others,
    seeds: seeds.slice(0, most),
    ...(negatives && { negatives: negatives.slice(0, most) }),
    ...(suppression && { suppression: suppression.slice(0, most) }),
  });
  try {
    return await call(api.POST('/v1/estimates', { body: bodyOf(), signal }));
  } catch (error) {
    const limit = error instanceof ApiError && error.code === 'too_many_seeds' ? error.faults[0]?.limit : undefined;
    if (typeof limit !== 'number') throw error;
    return call(api.POST('/v1/estimates', { body: bodyOf(limit), signal }));
  }
}
