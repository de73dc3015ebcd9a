/** How long the failure detector takes, over many seeds: until somebody says faulty, and until everybody does. */
import t, { type Test } from 'tap';
import { Cluster } from '../support/cluster.js';

t.setTimeout(240_000);

const NODES = ['a', 'b', 'c', 'd', 'e'];
const SEEDS = Number(process.env.QUORAL_DETECTION_SEEDS ?? 50);
const PATIENCE_MS = 60_000;

interface Detection {
  readonly firstMs: number;
  readonly allMs: number;
}

/** Strikes one of five nodes at a moment that the seed draws, and watches the logs of the four others. */
async function detection(
  seed: number,
  strike: (cluster: Cluster, victim: string) => void,
): Promise<Detection> {
  const foundAtMs: number[] = [];
  const accused = new Set<string>();
  const cluster = await Cluster.formed({
    seed,
    nodes: NODES,
    onLog: (node, _level, message, { member }) => {
      if (message !== 'member is faulty' || node === victim) return;
      accused.add(String(member));
      foundAtMs.push(cluster.clock.monotonicMs() - struckMs);
    },
  });
  const victim = NODES[seed % NODES.length]!;
  await cluster.run(2000 + cluster.random.below(4000));
  strike(cluster, victim);
  const struckMs = cluster.clock.monotonicMs();
  await cluster.eventually(() => foundAtMs.length >= NODES.length - 1, PATIENCE_MS);
  if (accused.size !== 1 || !accused.has(victim)) throw new Error(`seed ${seed}: ${[...accused]} accused`);
  return { firstMs: foundAtMs[0]!, allMs: foundAtMs.at(-1)! };
}

function figures(values: readonly number[]): { median: number; worst: number; text: string } {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  const worst = sorted.at(-1)!;
  return { median, worst, text: `median ${Math.round(median)} ms, worst ${Math.round(worst)} ms` };
}

async function measure(t: Test, strike: (cluster: Cluster, victim: string) => void): Promise<void> {
  const found: Detection[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) found.push(await detection(seed, strike));
  const first = figures(found.map(({ firstMs }) => firstMs));
  const all = figures(found.map(({ allMs }) => allMs));
  t.comment(`the first says faulty after: ${first.text}`);
  t.comment(`all say faulty after: ${all.text}`);
  t.ok(all.median < 3000, `median ${all.median}`);
  t.ok(all.worst < 10_000, `worst ${all.worst}`);
}

t.test('one of five is killed: its connections are reset', (t) =>
  measure(t, (cluster, victim) => cluster.crash(victim)),
);

t.test('one of five is cut off: nobody is told anything', (t) =>
  measure(t, (cluster, victim) => cluster.isolate(victim)),
);
