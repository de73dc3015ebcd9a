/**
 * What a join or a leave moves. Ideal for one equal member beside n others is 1/(n+1) of all replicas: what the new one
 * holds, or the lost one held. A leave undoes the join, for the ring is a pure function of the members.
 */

import { test } from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import type { RingMember } from '../../src/ring/ring.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import { equalMembers, membersInZones, movedReplicas } from './clusters.js';

const hasher = await loadKeyHasher();

/** Replicas moved, as a multiple of the ideal. */
function movement(before: readonly RingMember[], after: readonly RingMember[]): number {
  const larger = Math.max(before.length, after.length);
  return movedReplicas(before, after, hasher) / ((3 * SLOT_COUNT) / larger);
}

test('a join moves at most 1.1 of the ideal share', async (t) => {
  for (let count = 3; count <= 30; count++) {
    const ratio = movement(equalMembers(count), equalMembers(count + 1));
    t.ok(ratio <= 1.1, `${count} members and one more: ${ratio.toFixed(4)}`);
  }
});

test('a leave moves at most 1.1 of the ideal share, whoever leaves', async (t) => {
  for (const count of [4, 5, 6, 10, 20, 30]) {
    for (const left of [0, Math.floor(count / 2), count - 1]) {
      const members = equalMembers(count);
      const ratio = movement(members, members.toSpliced(left, 1));
      t.ok(ratio <= 1.1, `n${left + 1} of ${count} leaves: ${ratio.toFixed(4)}`);
    }
  }
});

test('names make no difference to that', async (t) => {
  const random = new SeededRandom(20240607);
  for (const count of [5, 10, 20, 29]) {
    for (let run = 0; run < 10; run++) {
      const members = Array.from({ length: count + 1 }, () => ({
        name: `host-${random.u32()}`,
        weight: 1,
        zone: '',
      }));
      const ratio = movement(members.slice(1), members);
      t.ok(ratio <= 1.1, `${count} members and one more: ${ratio.toFixed(4)}`);
    }
  }
});

test('a member joining one zone of three moves at most 1.1 of the ideal share', async (t) => {
  for (const size of [1, 2, 3, 5, 8]) {
    const ratio = movement(membersInZones(size, size, size), membersInZones(size, size, size + 1));
    t.ok(ratio <= 1.1, `zones of ${size}: ${ratio.toFixed(4)}`);
  }
});

test('a change of weight moves about what it adds', async (t) => {
  const before = equalMembers(5);
  const after = before.map((member, i) => (i === 0 ? { ...member, weight: 1.5 } : member));
  const gained = 3 * SLOT_COUNT * (1.5 / 5.5 - 1 / 5);
  const ratio = movedReplicas(before, after, hasher) / gained;
  t.ok(ratio <= 1.3, `${ratio.toFixed(4)} of what the heavier member gains`);
});
