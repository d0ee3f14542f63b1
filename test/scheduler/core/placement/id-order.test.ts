import { test } from 'tap';
import { IdOrder } from '../../../../scheduler/core/placement/rank-rows/id-order.js';
import { Random } from './random.js';

function inOrder(ids: readonly string[]): boolean {
  const order = new IdOrder();
  for (const id of ids) order.add(id);
  const byLabel = ids
    .map((id, row) => ({ id, label: order.labels[row] as number }))
    .sort((a, b) => a.label - b.label)
    .map(({ id }) => id);
  return byLabel.every((id, index) => id === [...ids].sort()[index]);
}

test('labels follow the ids, in whatever order they come', async (t) => {
  const random = new Random(1);
  const ids = Array.from({ length: 500 }, (_, number) => `h${random.below(10 ** 9)}-${number}`);
  t.ok(inOrder(ids), 'at random');
  t.ok(inOrder([...ids].sort()), 'ascending');
  t.ok(inOrder([...ids].sort().reverse()), 'descending');
});

test('when no label is left between two ids, all are spread out anew', async (t) => {
  // Each comes between the first and the one before it, which halves the gap every time.
  const ids = ['a', ...Array.from({ length: 100 }, (_, number) => `a${'a'.repeat(number)}b`).reverse()];
  t.ok(inOrder(['b', 'a', ...ids.slice(1).reverse()]));
});
