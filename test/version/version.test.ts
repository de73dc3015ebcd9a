import fc from 'fast-check';
import t from 'tap';
import {
  COUNTER_LIMIT,
  compareVersions,
  EXPIRED_BIT,
  formatVersion,
  NO_VERSION,
  packTime,
  timeToWallMs,
  VERSION_EPOCH_MS,
  VERSION_TIME_MAX,
  type Version,
  versionNode,
} from '../../src/version/version.js';

/** The last millisecond that packs into a safe integer. */
const WALL_MS_MAX = VERSION_EPOCH_MS + Math.floor(VERSION_TIME_MAX / COUNTER_LIMIT);

const u32 = () => fc.integer({ min: 0, max: 0xffffffff });
const version = () =>
  fc.record({ time: fc.oneof(fc.nat(3), fc.maxSafeNat()), node: fc.oneof(fc.nat(3), u32()) });
const compare = (a: Version, b: Version) => Math.sign(compareVersions(a.time, a.node, b.time, b.node));

t.test('the epoch is 2020 and the clock lasts until 2089', async (t) => {
  t.equal(VERSION_EPOCH_MS, Date.UTC(2020, 0, 1));
  t.equal(new Date(WALL_MS_MAX).getUTCFullYear(), 2089);
  t.equal(packTime(WALL_MS_MAX, COUNTER_LIMIT - 1), VERSION_TIME_MAX);
});

t.test('packing and unpacking agree on every millisecond until 2089', async () => {
  const wall = fc.integer({ min: VERSION_EPOCH_MS, max: WALL_MS_MAX });
  fc.assert(
    fc.property(wall, fc.integer({ min: 0, max: COUNTER_LIMIT - 1 }), (wallMs, counter) => {
      const time = packTime(wallMs, counter);
      return Number.isSafeInteger(time) && timeToWallMs(time) === wallMs && time % COUNTER_LIMIT === counter;
    }),
  );
});

t.test('a later millisecond packs above every counter of an earlier one', async (t) => {
  t.ok(packTime(WALL_MS_MAX - 1, COUNTER_LIMIT - 1) < packTime(WALL_MS_MAX));
  t.equal(packTime(VERSION_EPOCH_MS + 1.9), COUNTER_LIMIT, 'fractions of a millisecond are dropped');
});

t.test('times before 2020 pack as 2020', async (t) => {
  t.equal(packTime(0), 0);
  t.equal(packTime(-1e15, 5), 5);
});

t.test('versions compare by time, then node', async (t) => {
  const ordered: [number, number][] = [
    [NO_VERSION.time, NO_VERSION.node],
    [1, 0],
    [1, 1],
    [1, 0xffffffff],
    [2, 0],
    [VERSION_TIME_MAX - 1, 9],
    [VERSION_TIME_MAX, 0],
  ];
  for (const [i, [aTime, aNode]] of ordered.entries()) {
    for (const [j, [bTime, bNode]] of ordered.entries()) {
      t.equal(Math.sign(compareVersions(aTime, aNode, bTime, bNode)), Math.sign(i - j), `${i} against ${j}`);
    }
  }
});

t.test('the order is total', async () => {
  fc.assert(
    fc.property(version(), version(), version(), (a, b, c) => {
      const isSame = a.time === b.time && a.node === b.node;
      const isTransitive = !(compare(a, b) <= 0 && compare(b, c) <= 0) || compare(a, c) <= 0;
      return compare(a, b) === -compare(b, a) && (compare(a, b) === 0) === isSame && isTransitive;
    }),
  );
});

t.test('the expired form lies between its version and every other one that a node issues', async () => {
  fc.assert(
    fc.property(version(), version(), (first, second) => {
      const issued = { time: first.time, node: versionNode(first.node) };
      const other = { time: second.time, node: versionNode(second.node) };
      const expired = { time: issued.time, node: issued.node | EXPIRED_BIT };
      const end = { time: expired.time, node: expired.node >>> 0 };
      if (compare(issued, end) >= 0) return false;
      return compare(other, issued) === 0 || compare(other, issued) === compare(other, end);
    }),
  );
});

t.test('no node issues under an expired form', async () => {
  fc.assert(
    fc.property(u32(), (hash) => {
      const node = versionNode(hash);
      return node >= 0 && (node & EXPIRED_BIT) === 0 && Math.abs(hash - node) <= 1;
    }),
  );
});

t.test('versions read well', async (t) => {
  const time = packTime(Date.UTC(2026, 10, 20, 21, 51, 52, 123), 7);
  t.equal(formatVersion({ time, node: 0x1a2b3c4e }), '2026-11-20T21:51:52.123Z+7@1a2b3c4e');
  t.equal(formatVersion({ time, node: 0x1a2b3c4f }), '2026-11-20T21:51:52.123Z+7@1a2b3c4e (expired)');
  t.equal(formatVersion({ time: 1, node: 0x10 }), '2020-01-01T00:00:00.000Z+1@00000010');
  t.equal(formatVersion(NO_VERSION), 'none');
  t.match(formatVersion({ time: VERSION_TIME_MAX, node: 0 }), /^2089-/);
});
