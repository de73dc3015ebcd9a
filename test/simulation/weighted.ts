/** A choice among things of which some are more likely than others. */
import type { Random } from '../../src/ports/random.js';

export function pickWeighted<T extends { readonly weight: number }>(items: readonly T[], random: Random): T {
  let left = random.next() * items.reduce((sum, { weight }) => sum + weight, 0);
  for (const item of items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items.at(-1)!; // Rounding.
}
