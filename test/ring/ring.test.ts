import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'tap';
import { fairShares } from '../../src/ring/fair-share.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { buildRing, MEMBERS_MAX, type RingMember, WEIGHT_MAX } from '../../src/ring/ring.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import {
  anyMembers,
  equalMembers,
  membersInZones,
  ownerNames,
  slotsSharingZones,
  weightedMembers,
} from './clusters.js';

const hasher = await loadKeyHasher();
const anyReplicas = fc.integer({ min: 1, max: 5 });

/** The most that any member holds of its fair share. */
function fullest(members: readonly RingMember[], replicas: number): number {
  const ring = buildRing(members, replicas, hasher);
  const shares = fairShares(members, ring.replicas);
  return Math.max(...shares.map((share, i) => (ring.share(i) * SLOT_COUNT * ring.replicas) / share));
}

test('the ring does not depend on the order of the members', async (t) => {
  const shuffled = anyMembers.chain((members) =>
    fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
  );
  fc.assert(
    fc.property(shuffled, anyReplicas, ([members, others], replicas) => {
      const names = ownerNames(buildRing(members, replicas, hasher), members);
      t.same(ownerNames(buildRing(others, replicas, hasher), others), names);
    }),
    { numRuns: 30 },
  );
});

test('not even rounding depends on the order of the members', async (t) => {
  // Adding up these weights the other way round once gave other bounds: 1.05 × the shares are whole numbers.
  const members = weightedMembers(0.07, 0.13, 0.06, 0.115, 0.045, 0.175, 0.12, 0.309);
  const reversed = members.toReversed();
  const names = ownerNames(buildRing(members, 1, hasher), members);
  t.same(ownerNames(buildRing(reversed, 1, hasher), reversed), names);
});

test('every slot has N different owners of weight above 0, or all of them', async (t) => {
  fc.assert(
    fc.property(anyMembers, anyReplicas, (members, n) => {
      const ring = buildRing(members, n, hasher);
      t.equal(ring.replicas, Math.min(n, members.filter(({ weight }) => weight > 0).length));
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        const owners = ring.owners(slot);
        const sound = owners.length === ring.replicas && new Set(owners).size === owners.length;
        if (!sound || owners.some((index) => !(members[index]!.weight > 0)))
          t.fail(`slot ${slot}: ${owners}`);
      }
    }),
    { numRuns: 50 },
  );
});

test('small clusters', async (t) => {
  const table: { name: string; weights: number[]; replicas: number; shares: number[] }[] = [
    { name: 'no member', weights: [], replicas: 0, shares: [] },
    { name: 'only a proxy', weights: [0], replicas: 0, shares: [0] },
    { name: 'one member', weights: [1], replicas: 1, shares: [1] },
    { name: 'two members', weights: [1, 1], replicas: 2, shares: [0.5, 0.5] },
    { name: 'two very unequal members', weights: [0.01, 100], replicas: 2, shares: [0.5, 0.5] },
    {
      name: 'three members and a proxy',
      weights: [1, 0, 1, 1],
      replicas: 3,
      shares: [1 / 3, 0, 1 / 3, 1 / 3],
    },
  ];
  for (const { name, weights, replicas, shares } of table) {
    const ring = buildRing(weightedMembers(...weights), 3, hasher);
    t.equal(ring.replicas, replicas, name);
    t.same(
      shares.map((_, i) => ring.share(i)),
      shares,
      `${name}: shares`,
    );
    t.equal(ring.owners(0).length, replicas);
    t.equal(ring.owners(SLOT_COUNT - 1).length, replicas);
  }
});

test('the fullest of 3 to 30 equal members holds at most 1.06 of the mean', async (t) => {
  for (let count = 3; count <= 30; count++) {
    const ratio = fullest(equalMembers(count), 3);
    t.ok(ratio <= 1.06, `${count} members: ${ratio.toFixed(4)}`);
  }
});

test('the fullest of unequal members holds at most 1.06 of its share', async (t) => {
  const table = [
    [1, 2, 3, 4],
    [0.5, 1, 1, 1, 1],
    [1, 1, 1, 10],
    [50, 1, 1, 1, 1, 1],
    [2, 2, 2, 1, 1, 1, 1, 1, 1],
  ];
  for (const weights of table) {
    for (const replicas of [1, 2, 3]) {
      const ratio = fullest(weightedMembers(...weights), replicas);
      t.ok(ratio <= 1.06, `weights ${weights}, ${replicas} replicas: ${ratio.toFixed(4)}`);
    }
  }
});

test('in any cluster nobody holds more than 1.05 of the fair share, or the next whole slot', async (t) => {
  fc.assert(
    fc.property(anyMembers, anyReplicas, (members, n) => {
      const holders = members.filter(({ weight }) => weight > 0);
      const ring = buildRing(holders, n, hasher);
      if (ring.replicas === 0) return;
      for (const [i, share] of fairShares(holders, ring.replicas).entries()) {
        t.ok(
          Math.round(ring.share(i) * SLOT_COUNT * ring.replicas) <=
            Math.max(1.05 * share, Math.ceil(share)) + 1e-6,
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('who is first is balanced as well', async (t) => {
  for (const members of [
    equalMembers(5),
    equalMembers(30),
    weightedMembers(1, 2, 3, 4),
    membersInZones(2, 2, 1),
  ]) {
    const ring = buildRing(members, 3, hasher);
    const shares = fairShares(members, ring.replicas);
    const primaries = members.map((_, i) => ring.primaryShare(i));
    t.ok(Math.abs(primaries.reduce((a, b) => a + b) - 1) < 1e-9);
    for (const [i, part] of primaries.entries()) {
      const fair = shares[i]! / (SLOT_COUNT * ring.replicas);
      t.ok(part <= 1.06 * fair, `${members.length} members: ${(part / fair).toFixed(4)}`);
    }
  }
});

test('a member of weight 0 owns nothing and changes nothing', async (t) => {
  const members = equalMembers(5);
  const withProxy = [{ name: 'proxy', weight: 0, zone: 'elsewhere' }, ...members];
  const ring = buildRing(withProxy, 3, hasher);
  t.equal(ring.share(0), 0);
  t.equal(ring.primaryShare(0), 0);
  t.same(ownerNames(ring, withProxy), ownerNames(buildRing(members, 3, hasher), members));
});

test('replicas are in different zones, and every member holds about its fair share', async (t) => {
  const table = [
    [1, 1, 1],
    [2, 2, 2],
    [10, 10, 10],
    [2, 2, 2, 2],
    [1, 1, 1, 1, 1],
    [2, 2, 1],
    [4, 3, 2],
    [2, 2, 1, 1],
    [3, 1, 1, 1],
    [3, 3, 3, 1, 1],
  ];
  for (const sizes of table) {
    const members = membersInZones(...sizes);
    const ring = buildRing(members, 3, hasher);
    t.equal(slotsSharingZones(ring, members), 0, `zones of ${sizes}`);
    for (const [i, share] of fairShares(members, 3).entries()) {
      const ratio = (ring.share(i) * 3 * SLOT_COUNT) / share;
      t.ok(
        ratio >= 0.85 && ratio <= 1.06,
        `zones of ${sizes}: ${members[i]!.name} holds ${ratio.toFixed(3)}`,
      );
    }
  }
});

test('with fewer zones than replicas every slot is in all of them', async (t) => {
  for (const sizes of [
    [2, 2],
    [3, 2],
    [2, 1],
    [5, 5],
  ]) {
    const members = membersInZones(...sizes);
    t.equal(slotsSharingZones(buildRing(members, 3, hasher), members), 0, `zones of ${sizes}`);
  }
  const four = membersInZones(4, 4);
  const ring = buildRing(four, 4, hasher);
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (ring.owners(slot).filter((index) => four[index]!.zone === 'z0').length !== 2) t.fail(`slot ${slot}`);
  }
});

test('no zone is so small that its member must hold more than twice its weight', async (t) => {
  const members = membersInZones(10, 10, 1);
  const ring = buildRing(members, 3, hasher);
  t.ok(ring.share(20) * 21 <= 2.11, `${ring.share(20) * 21}`);
  t.ok(ring.share(20) * 21 >= 1.9, 'it is still used twice as much as the others, for the sake of the zones');
});

test('in any zones whose fair shares allow it every slot is in as many zones as there can be', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
      anyReplicas,
      (sizes, n) => {
        const members = membersInZones(...sizes);
        const ring = buildRing(members, n, hasher);
        const shares = fairShares(members, ring.replicas);
        const byZone = sizes.map((_, z) =>
          shares.reduce((sum, share, i) => sum + (members[i]!.zone === `z${z}` ? share : 0), 0),
        );
        const fits =
          sizes.length >= ring.replicas
            ? byZone.every((share) => share <= SLOT_COUNT + 1e-6)
            : byZone.every((share) => share >= SLOT_COUNT - 1e-6);
        if (fits) t.equal(slotsSharingZones(ring, members), 0, `zones of ${sizes}, ${n} replicas`);
      },
    ),
    { numRuns: 60 },
  );
});

test('the ring of five nodes is what it has always been', async (t) => {
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => ({ name, weight: 1, zone: '' }));
  const table = ownerNames(buildRing(members, 3, hasher), members);
  t.same(table.slice(0, 3), [
    ['n5', 'n1', 'n4'],
    ['n5', 'n1', 'n4'],
    ['n4', 'n3', 'n5'],
  ]);
  // Changing this moves data in every cluster that exists. SHA-256 of the 4096 lists of names, as JSON.
  t.equal(
    createHash('sha256').update(JSON.stringify(table)).digest('hex'),
    'c8de353ec015cc33d304c649c75d19b41c5a0e73a4822685df0f0912cc53d889',
  );
});

test('members that cannot be are refused', async (t) => {
  const member = { name: 'n1', weight: 1, zone: '' };
  const table: [name: string, members: RingMember[], replicas: number, message: RegExp][] = [
    ['two of one name', [member, { ...member, zone: 'b' }], 3, /two members are named "n1"/],
    ['a negative weight', [{ ...member, weight: -1 }], 3, /weight of "n1" must be from 0 to 100, not -1/],
    ['a weight that is no number', [{ ...member, weight: Number.NaN }], 3, /weight of "n1".*not NaN/],
    [
      'an infinite weight',
      [{ ...member, weight: Number.POSITIVE_INFINITY }],
      3,
      /weight of "n1".*not Infinity/,
    ],
    ['a weight over the limit', [{ ...member, weight: WEIGHT_MAX + 1 }], 3, /weight of "n1".*not 101/],
    ['no replicas', [member], 0, /replicas must be an integer of at least 1, not 0/],
    ['half a replica', [member], 1.5, /not 1.5/],
    ['NaN replicas', [member], Number.NaN, /not NaN/],
    ['too many members', equalMembers(MEMBERS_MAX + 1), 3, /at most 1024 members, not 1025/],
  ];
  for (const [name, members, replicas, message] of table) {
    t.throws(() => buildRing(members, replicas, hasher), { name: 'RangeError', message }, name);
  }
});
