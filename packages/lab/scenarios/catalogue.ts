/** All shapes by name. */
import { bands } from './bands.ts';
import { broad, drift, oneCampaign, regulars, twoCrowds } from './histories.ts';
import { bundles, fewTokens, longLists, rareTokens, sparseVocabulary } from './lists.ts';
import type { ShapeName } from './names.ts';
import { numbers } from './numbers.ts';
import type { Shape } from './shape.ts';

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  'few-tokens': fewTokens,
  'long-lists': longLists,
  'sparse-vocabulary': sparseVocabulary,
  'rare-tokens': rareTokens,
  bundles,
  bands,
  numbers,
  'one-campaign': oneCampaign,
  regulars,
  drift,
  'two-crowds': twoCrowds,
  broad,
};
