/** What must hold after every run. One checker, one promise. */
import { findViolation } from '../support/linearizability.js';
import type { Checker, FinishedRun } from './finished-run.js';

const linearizability: Checker = {
  name: 'linearizability',
  check: ({ histories }) =>
    [...histories].flatMap(([key, history]) => {
      const violation = findViolation(history);
      if (violation === undefined) return [];
      const { reason, operations } = violation;
      const those = operations.map(({ by, kind, value, calledAt, returnedAt }) => {
        return `${by} ${kind} ${value || 'absent'} ${calledAt.toFixed(3)}–${returnedAt.toFixed(3)}`;
      });
      return [
        `no order explains the ${history.length} operations on ${key}: ${reason} (${those.join('; ')})`,
      ];
    }),
};

const liveness: Checker = { name: 'liveness', check: ({ unrecovered }) => [...unrecovered] };

/** Of keys that have been read from all replicas: nothing else makes replicas equal yet. */
const replicasEqual: Checker = {
  name: 'replicas equal',
  check: ({ storedWhenRead }) =>
    [...storedWhenRead]
      .filter(([, stored]) => new Set(stored.values()).size > 1)
      .map(([key, stored]) => {
        const each = [...stored].map(([node, version]) => `${version} at ${node}`);
        return `${key} is ${each.join(', ')}, after it was read from all of them`;
      }),
};

const scans: Checker = {
  name: 'scans',
  check: ({ scans, stillKeys }) =>
    scans.flatMap(({ by, endedAt, prefix, keys }) => {
      const found = new Set(keys);
      const what = `the scan of "${prefix}" by ${by} that ended at ${Math.round(endedAt)} ms`;
      const missing = stillKeys.filter((key) => key.startsWith(prefix) && !found.has(key));
      const strange = keys.filter((key) => !key.startsWith(prefix));
      const twice = keys.filter((key, i) => keys.indexOf(key) !== i);
      return [
        ...missing.map((key) => `${what} misses ${key}, which was there throughout`),
        ...strange.map((key) => `${what} has ${key}, which was not asked for`),
        ...twice.map((key) => `${what} has ${key} twice`),
      ];
    }),
};

const resources: Checker = {
  name: 'resources',
  check: ({ status, leftovers, lost }: FinishedRun) => {
    const busy = [...status].flatMap(([name, body]) => {
      const { inFlight } = body.requests as { inFlight: number };
      const { clients } = body.connections as { clients: number };
      return [
        ...(inFlight === 0 ? [] : [`${inFlight} requests are in flight at ${name} with nobody asking`]),
        // The one that asked for the status, and nodes that are not let in.
        ...(clients <= 1 + lost.size
          ? []
          : [`${clients} clients are connected to ${name}, and there is one`]),
      ];
    });
    const left = leftovers.flatMap(({ node, timers, sockets }) => [
      // A node that is not let in waits for its next try, and notices only then that it was stopped.
      ...(timers === 0 || lost.has(node) ? [] : [`${timers} timers are left of ${node} after it stopped`]),
      ...(sockets === 0 ? [] : [`${sockets} connections are left of ${node} after it stopped`]),
    ]);
    return [...busy, ...left];
  },
};

export const ALL_CHECKERS: readonly Checker[] = [linearizability, liveness, replicasEqual, scans, resources];
