/**
 * Primaries: the first owner of each slot. Every owner serves a request as well as another, but clients send it to the
 * first one they can reach, so who is first decides who coordinates. Only the order of a slot's owners is changed here,
 * so this moves no data.
 */

export interface PrimariesInput {
  /** As `place` returns it; changed in place. */
  readonly owners: Int32Array;
  /** All slots, in the order in which they are decided. */
  readonly fillOrder: readonly number[];
  /** The number of slots that each member should be first of, at most. */
  readonly bounds: readonly number[];
  /** Owners of every slot. */
  readonly replicas: number;
}

/**
 * Moves to the front of each slot its first owner that is not yet first of as many slots as its bound allows; or, if all
 * its owners are, the one that this fills least.
 */
export function balancePrimaries({ owners, fillOrder, bounds, replicas }: PrimariesInput): void {
  const led = new Int32Array(bounds.length);
  const fullness = (member: number) => (led[member]! + 1) / bounds[member]!;
  for (const slot of fillOrder) {
    const ofSlot = owners.subarray(slot * replicas, (slot + 1) * replicas);
    const primary = ofSlot.find((member) => fullness(member) <= 1) ?? leastBy(ofSlot, fullness);
    led[primary]! += 1;
    ofSlot.copyWithin(1, 0, ofSlot.indexOf(primary));
    ofSlot[0] = primary;
  }
}

function leastBy(members: Int32Array, measure: (member: number) => number): number {
  return members.reduce((least, member) => (measure(member) < measure(least) ? member : least));
}
