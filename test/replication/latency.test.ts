/** How long a read waits before it asks another replica too. */
import t from 'tap';
import { hedgeDelayMs, observeLatency } from '../../src/replication/latency.js';
import type { ReplicaPeer } from '../../src/replication/peer.js';

function peer(latencyMs: number): ReplicaPeer {
  return { name: 'b', address: 'b:1', isSelf: false, isLive: true, latencyMs } as ReplicaPeer;
}

t.test('the delay follows the latency, within bounds', async (t) => {
  const cases = [
    [0, 20],
    [1, 20],
    [2.5, 20],
    [5, 40],
    [20, 160],
    [31.25, 250],
    [1000, 250],
  ] as const;
  for (const [latencyMs, delayMs] of cases)
    t.equal(hedgeDelayMs(peer(latencyMs)), delayMs, `${latencyMs} ms`);
});

t.test('observations are smoothed', async (t) => {
  const b = peer(10);
  observeLatency(b, 20);
  t.equal(b.latencyMs, 11);
  for (let i = 0; i < 100; i++) observeLatency(b, 50);
  t.ok(Math.abs(b.latencyMs - 50) < 0.1);
});
