/** What each member carries of the data, computed as the nodes do. */
import { loadKeyHasher } from '../src/ring/hash.js';
import { buildRing } from '../src/ring/ring.js';
import type { RingMember } from './client.js';

/** Each member's fraction of all replica placements, in the order of `members`. */
export async function ringShares(
  members: readonly RingMember[],
  replicas: number,
): Promise<readonly number[]> {
  const ring = buildRing(members, replicas, await loadKeyHasher());
  return members.map((_, i) => ring.share(i));
}
