import t from 'tap';
import { READ, Workload, type WorkloadName, WriteEach } from '../../bench/workload.js';

t.test('each workload has its share of reads', async (t) => {
  const cases: [WorkloadName, number][] = [
    ['get', 1],
    ['set', 0],
    ['a', 0.5],
    ['b', 0.95],
    ['c', 1],
  ];
  for (const [workload, share] of cases) {
    const source = new Workload({ workload, distribution: 'uniform', keys: 10, seed: 1 });
    let reads = 0;
    for (let i = 0; i < 20_000; i++) {
      source.advance();
      if (source.kind === READ) reads++;
    }
    t.ok(Math.abs(reads / 20_000 - share) <= (share % 1 === 0 ? 0 : 0.01), `${workload}: ${reads / 20_000}`);
  }
});

t.test('the keys do not depend on the mix', async (t) => {
  const keys = (workload: WorkloadName) => {
    const source = new Workload({ workload, distribution: 'zipfian', keys: 1000, seed: 5 });
    return Array.from({ length: 50 }, () => source.advance() && source.key);
  };
  t.same(keys('a'), keys('set'));
});

t.test('reads and writes go to the same keys', async (t) => {
  const source = new Workload({ workload: 'a', distribution: 'uniform', keys: 10, seed: 5 });
  const seen = { reads: new Set<number>(), writes: new Set<number>() };
  for (let i = 0; i < 1000; i++) {
    source.advance();
    (source.kind === READ ? seen.reads : seen.writes).add(source.key);
  }
  t.equal(seen.reads.size, 10);
  t.equal(seen.writes.size, 10);
});

t.test('writing each key ends after the last', async (t) => {
  const source = new WriteEach(3, (position) => position * 10);
  const keys: number[] = [];
  while (source.advance()) keys.push(source.key);
  t.same(keys, [0, 10, 20]);
  t.equal(source.advance(), false);
});
