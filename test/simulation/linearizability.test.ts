/**
 * Clients on a few hot keys while links break, nodes crash, disks fail and clocks jump: what each of them saw must be
 * explained by one register per key. `QUORAL_SEEDS` sets how many runs, `QUORAL_SEED` where they begin.
 */
import t from 'tap';
import { ALL_FAULTS, type Outcome, runWorkload, type WorkloadOptions } from '../support/workload.js';

const SEEDS = Number(process.env.QUORAL_SEEDS ?? 30);
const FIRST_SEED = Number(process.env.QUORAL_SEED ?? 1);

/** Long delays, one key and busy clients: many writes overtake each other. */
const CONTENDED: Partial<WorkloadOptions> = {
  delayMs: [0.1, 60],
  clients: 9,
  keys: 1,
  thinkMs: 4,
  durationMs: 3000,
  faults: ['skew', 'slow', 'one-way', 'reset'],
};

const PROFILES: readonly (readonly [string, Partial<WorkloadOptions>])[] = [
  ['three nodes, every fault', {}],
  ['three nodes, stored records corrupted too', { faults: [...ALL_FAULTS, 'corrupt'] }],
  ['five nodes with three replicas', { nodes: ['a', 'b', 'c', 'd', 'e'], keys: 4, durationMs: 5000 }],
  [
    'five replicas',
    { nodes: ['a', 'b', 'c', 'd', 'e'], options: { replicas: 5 }, keys: 1, durationMs: 5000 },
  ],
  ['contended', CONTENDED],
  ['values that expire, and power cuts', { ttlMs: 2000, faults: [...ALL_FAULTS, 'crash-all'] }],
];

function describe(seed: number, { illegal, events, histories }: Outcome): string {
  const shown = illegal.map((key) => JSON.stringify(histories.get(key)!.slice(-40)));
  return `seed ${seed}: ${illegal.join()}\n${events.join('\n')}\n${shown.join('\n')}`;
}

for (const [name, profile] of PROFILES) {
  t.test(`linearizable: ${name}`, async (t) => {
    const count = Math.max(1, Math.round(SEEDS / PROFILES.length));
    let operations = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) {
      const outcome = await runWorkload({ seed, ...profile });
      if (outcome.illegal.length > 0) t.fail(describe(seed, outcome));
      for (const history of outcome.histories.values()) operations += history.length;
      for (const node of outcome.cluster.names) {
        const { inFlight } = await outcome.cluster.requests(node);
        if (inFlight !== 0) t.fail(`seed ${seed}: ${inFlight} requests are left at ${node}`);
      }
    }
    t.ok(operations > count * 100, `${operations} operations`);
  });
}

t.test('one seed gives one run', async (t) => {
  const [one, two] = [
    await runWorkload({ seed: 5, durationMs: 2000 }),
    await runWorkload({ seed: 5, durationMs: 2000 }),
  ];
  t.same(one.events, two.events);
  t.same([...one.histories], [...two.histories]);
  t.same(one.cluster.log, two.cluster.log);
});
