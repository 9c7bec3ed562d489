/** Values in an order of their own: numbers, bands and dates. */
import { expect, it } from 'vitest';
import { inOrder } from '../../console/src/ui/in-order.ts';

const sorted = (values: readonly (string | null)[]) => inOrder(values, (value) => value);

it.each<[string, (string | null)[]]>([
  ['bands of an age', ['< 18', '18-24', '25-34', '35–44', '65+', null]],
  ['bands of a number, as the service names them', ['< -2.5', '-2.5 to 0', '0 to 12.5', '12.5 to 1000', '>= 1000']],
  ['numbers', ['-3', '0.5', '9', '10', '1,000', '20k', null]],
  ['dates and months of a year', ['2024-12', '2025-01-31', '2025-02-01', '2025-02-01T10:00:00Z']],
  ['days of the week', ['Monday', 'tue', 'Sunday']],
  ['months', ['january', 'Feb', 'may', 'December']],
  ['amounts', ['under $10', '$10 to $20', '$20 to $100', 'over $100']],
])('puts %s in order', (_, values) => {
  expect(sorted(values.toReversed())).toEqual(values);
  expect(sorted([...values.slice(2), ...values.slice(0, 2)])).toEqual(values);
});

it.each([[['chef', 'artist']], [['18-24', 'unknown']], [['monday', '3']], [['Denmark 1', 'Denmark 2']], [[null]]])(
  'does not reorder %j',
  (values) => expect(sorted(values)).toBeNull(),
);
