/** Gives the pure sequence of a fence its hands: asks controllers, waits, and comes back with the verdict. */
import { Controller } from './controller.js';
import { type FenceAnswer, type FenceEffect, fence, type FenceOrder, type FenceVerdict } from './fence.js';
import type { FenceMethod } from './method.js';

/** Never rejects; `now` is any clock that only goes forward, in milliseconds; `stands` says whether the order still does. */
export async function carryOutFence(
  order: FenceOrder,
  methods: readonly FenceMethod[],
  now: () => number,
  stands: () => boolean,
): Promise<FenceVerdict> {
  const sequence = fence(order, methods, now, stands);
  let next = sequence.next();
  while (!next.done) next = sequence.next(await perform(next.value));
  return next.value;
}

async function perform({ kind, method, limitMs }: FenceEffect): Promise<FenceAnswer> {
  if (kind === 'pause') {
    await new Promise((resolve) => setTimeout(resolve, limitMs));
    return { ok: true, said: '' };
  }
  try {
    return await new Controller(method)[kind](limitMs);
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}
