/** Clusters for the tests of the ring, and what is measured on them. */

import fc from 'fast-check';
import type { KeyHasher } from '../../src/ring/hash.js';
import { buildRing, type Ring, type RingMember } from '../../src/ring/ring.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';

/** n1, n2, … of weight 1, in one zone. */
export function equalMembers(count: number): RingMember[] {
  return Array.from({ length: count }, (_, i) => ({ name: `n${i + 1}`, weight: 1, zone: '' }));
}

/** Members of weight 1 in zones of these sizes. */
export function membersInZones(...sizes: readonly number[]): RingMember[] {
  return sizes.flatMap((size, z) =>
    Array.from({ length: size }, (_, i) => ({ name: `z${z}-n${i + 1}`, weight: 1, zone: `z${z}` })),
  );
}

/** Members of these weights, in one zone. */
export function weightedMembers(...weights: readonly number[]): RingMember[] {
  return weights.map((weight, i) => ({ name: `n${i + 1}`, weight, zone: '' }));
}

/** Up to 10 members with any names, a few weights and a few zones. */
export const anyMembers: fc.Arbitrary<RingMember[]> = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 12 }),
    weight: fc.constantFrom(0, 0.001, 0.5, 1, 1, 1, 2, 8),
    zone: fc.constantFrom('a', 'b', 'c', 'd'),
  }),
  { selector: (member) => member.name, maxLength: 10 },
);

/** The names of every slot's owners, in preference order. */
export function ownerNames(ring: Ring, members: readonly RingMember[]): string[][] {
  return Array.from({ length: SLOT_COUNT }, (_, slot) =>
    ring.owners(slot).map((index) => members[index]!.name),
  );
}

/** Replicas that `after` places on a member that did not hold the slot before. */
export function movedReplicas(
  before: readonly RingMember[],
  after: readonly RingMember[],
  hasher: KeyHasher,
): number {
  const old = ownerNames(buildRing(before, 3, hasher), before);
  const now = ownerNames(buildRing(after, 3, hasher), after);
  return now.reduce((sum, names, slot) => sum + names.filter((name) => !old[slot]!.includes(name)).length, 0);
}

/** Slots whose owners are in fewer zones than they could be. */
export function slotsSharingZones(ring: Ring, members: readonly RingMember[]): number {
  const zones = new Set(members.filter(({ weight }) => weight > 0).map(({ zone }) => zone)).size;
  let sharing = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const used = new Set(ring.owners(slot).map((index) => members[index]!.zone));
    if (used.size < Math.min(zones, ring.replicas)) sharing++;
  }
  return sharing;
}
