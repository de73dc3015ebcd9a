import fc from 'fast-check';
import { test } from 'tap';
import { fairShares, ZONE_STRETCH } from '../../src/ring/fair-share.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import { anyMembers } from './clusters.js';

/** Weights by zone → shares, as parts of all slots. */
// biome-ignore format: one case a line
const table: { name: string; replicas: number; zones: number[][]; shares: number[] }[] = [
  { name: 'equal members share equally', replicas: 3, zones: [[1, 1, 1, 1]], shares: [0.75, 0.75, 0.75, 0.75] },
  { name: 'weight is followed', replicas: 1, zones: [[1, 2, 5]], shares: [1 / 8, 2 / 8, 5 / 8] },
  { name: 'nobody holds a slot twice; the others share the rest', replicas: 3, zones: [[10, 1, 1, 1]], shares: [1, 2 / 3, 2 / 3, 2 / 3] },
  { name: 'that goes on for those whom it brings to the limit', replicas: 3, zones: [[100, 10, 1, 1]], shares: [1, 1, 1 / 2, 1 / 2] },
  { name: 'as many members as replicas hold all', replicas: 3, zones: [[1, 2, 7]], shares: [1, 1, 1] },
  { name: 'equal zones change nothing', replicas: 3, zones: [[1, 1], [1, 1], [1, 1]], shares: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5] },
  { name: 'as many zones as replicas hold every slot each', replicas: 3, zones: [[1, 1], [1, 1], [1]], shares: [0.5, 0.5, 0.5, 0.5, 1] },
  { name: 'a zone heavier than all slots gives the rest to others', replicas: 2, zones: [[1, 1, 1, 1], [1], [1]], shares: [0.25, 0.25, 0.25, 0.25, 0.5, 0.5] },
  { name: 'with fewer zones than replicas each has its even part', replicas: 3, zones: [[1, 1, 1], [1, 1]], shares: [0.6, 0.6, 0.6, 0.6, 0.6] },
  { name: 'but weight wins before twice its share', replicas: 2, zones: [[1, 1, 1, 1, 1, 1, 1, 1], [1]], shares: [...new Array<number>(8).fill((2 - 4 / 9) / 8), 4 / 9] },
];

for (const { name, replicas, zones, shares } of table) {
  test(name, async (t) => {
    const holders = zones.flatMap((weights, z) => weights.map((weight) => ({ weight, zone: `z${z}` })));
    const actual = fairShares(holders, replicas);
    for (const [i, share] of shares.entries()) {
      t.ok(
        Math.abs(actual[i]! / SLOT_COUNT - share) < 1e-9,
        `member ${i}: ${actual[i]! / SLOT_COUNT}, not ${share}`,
      );
    }
  });
}

test('shares add up, fit into the slots, and stay within twice the share by weight', async (t) => {
  fc.assert(
    fc.property(anyMembers, fc.integer({ min: 1, max: 5 }), (members, n) => {
      const holders = members.filter(({ weight }) => weight > 0);
      const replicas = Math.min(n, holders.length);
      if (replicas === 0) return;
      const shares = fairShares(holders, replicas);
      const byWeight = fairShares(
        holders.map(({ weight }) => ({ weight, zone: '' })),
        replicas,
      );
      t.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - SLOT_COUNT * replicas) < 1e-6);
      for (const [i, share] of shares.entries()) {
        t.ok(share > 0 && share <= SLOT_COUNT && share <= ZONE_STRETCH * byWeight[i]! + 1e-6);
      }
    }),
  );
});
