/**
 * Fair shares: how many slots each member should hold a replica of. A member can hold a slot at most once, and the replicas
 * of a slot should be in different zones; weight is followed as far as these allow.
 *
 * Zones come before weights, because who names zones wants to lose one and keep a majority of every key, and one slot
 * with two replicas in a zone breaks that for a 4096th of the keys. So with 3 replicas and zones of 2, 2 and 1 nodes, the
 * lone node holds every slot. But no member is given more than {@link ZONE_STRETCH} times what its weight alone would
 * give: a node that is alone in its zone beside a zone of 29 would fill its disk ten times as fast as the others. Past
 * that, weights win and some slots keep two replicas in one zone.
 */

import { SLOT_COUNT } from './slot.js';

/** How many times its share by weight a member may hold, so that replicas can be in different zones. */
export const ZONE_STRETCH = 2;

/** A member that owns something. */
export interface Holder {
  /** Above 0. */
  readonly weight: number;
  readonly zone: string;
}

interface Bounds {
  readonly weight: number;
  readonly least: number;
  readonly most: number;
}

/**
 * The number of slots that each of `holders` should hold, fractions included. The shares add up to
 * {@link SLOT_COUNT} × `replicas`, and none is over {@link SLOT_COUNT}.
 *
 * @param replicas owners per slot; at most the number of holders.
 */
export function fairShares(holders: readonly Holder[], replicas: number): number[] {
  const total = SLOT_COUNT * replicas;
  const byWeight = divide(
    total,
    holders.map(({ weight }) => upToEverySlot(weight)),
  );
  const byZone = sharesByZone(holders, replicas);
  const most = byWeight.map((share) => Math.min(SLOT_COUNT, ZONE_STRETCH * share));
  return divide(
    total,
    holders.map(({ weight }, i) => ({ weight, least: Math.min(byZone[i]!, most[i]!), most: most[i]! })),
  );
}

/** The shares that let every slot be spread over as many zones as there are, and that follow weight within that. */
function sharesByZone(holders: readonly Holder[], replicas: number): number[] {
  const indexesOf = new Map<string, number[]>();
  for (const [i, { zone }] of holders.entries()) {
    const indexes = indexesOf.get(zone);
    if (indexes === undefined) indexesOf.set(zone, [i]);
    else indexes.push(i);
  }
  const zones = [...indexesOf.values()];
  const level = evenLevel(
    zones.map((indexes) => indexes.length),
    replicas,
  );
  const zoneShares = divide(
    SLOT_COUNT * replicas,
    zones.map((indexes) => ({
      weight: indexes.reduce((sum, i) => sum + holders[i]!.weight, 0),
      least: SLOT_COUNT * Math.min(indexes.length, level),
      most: SLOT_COUNT * Math.min(indexes.length, level + 1),
    })),
  );
  const shares = new Array<number>(holders.length).fill(0);
  for (const [z, indexes] of zones.entries()) {
    const inZone = divide(
      zoneShares[z]!,
      indexes.map((i) => upToEverySlot(holders[i]!.weight)),
    );
    for (const [position, i] of indexes.entries()) shares[i] = inZone[position]!;
  }
  return shares;
}

/** The replicas of a slot that every zone with that many nodes has, when they are spread as evenly as can be. */
function evenLevel(zoneSizes: readonly number[], replicas: number): number {
  let level = 0;
  while (zoneSizes.reduce((sum, size) => sum + Math.min(size, level + 1), 0) <= replicas && level < replicas)
    level++;
  return level;
}

function upToEverySlot(weight: number): Bounds {
  return { weight, least: 0, most: SLOT_COUNT };
}

/**
 * Divides `total` by weight within bounds: everyone gets `level × weight`, or the bound that this is beyond. What one
 * cannot take raises the level for the others. `total` lies between the sum of the least and of the most.
 */
function divide(total: number, parts: readonly Bounds[]): number[] {
  const sharesAt = (level: number) =>
    parts.map(({ weight, least, most }) => Math.min(most, Math.max(least, level * weight)));
  let low = 0;
  let high = Math.max(...parts.map(({ weight, most }) => most / weight));
  // Halving finds the level to the last bit of a double, and in far fewer steps than this.
  for (let step = 0; step < 128; step++) {
    const middle = (low + high) / 2;
    const sum = sharesAt(middle).reduce((a, b) => a + b, 0);
    if (sum < total) low = middle;
    else high = middle;
  }
  return sharesAt(high);
}
