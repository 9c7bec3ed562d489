/** Names of the shapes, for code that needs only those. */
export const SHAPE_NAMES = [
  'few-tokens',
  'long-lists',
  'sparse-vocabulary',
  'rare-tokens',
  'bundles',
  'bands',
  'numbers',
  'one-campaign',
  'regulars',
  'drift',
  'two-crowds',
  'broad',
] as const;

export type ShapeName = (typeof SHAPE_NAMES)[number];
