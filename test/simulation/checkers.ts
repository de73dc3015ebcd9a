/** What must hold after every run. One checker, one promise. */
import { findViolation } from '../support/linearizability.js';
import { findGrowth } from './checkers/growth.js';
import { findLostWrites } from './checkers/lost-writes.js';
import { findReplicaDifferences } from './checkers/replicas.js';
import { findScanProblems } from './checkers/scans.js';
import { findReturned } from './checkers/stay-away.js';
import { findSetbacks } from './checkers/version-order.js';
import type { Checker, Settled } from './finished-run.js';

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

/** The local data of all replicas becomes the same by itself. */
const convergence: Checker = { name: 'convergence', check: ({ divergent }) => [...divergent] };

const liveness: Checker = { name: 'liveness', check: ({ unrecovered }) => [...unrecovered] };

/** Only what no other checker has said already: it looks at the disks when all is over. */
const lostWrites: Checker = {
  name: 'lost writes',
  check: ({ histories, settled }) => {
    const last = settled.at(-1);
    return last === undefined ? [] : findLostWrites(histories, finalValues(last));
  },
};

const versionOrder: Checker = {
  name: 'version order',
  check: ({ sightings }) =>
    [...sightings].flatMap(([key, seen]) => findSetbacks(seen).map((text) => `${key}: ${text}`)),
};

const stayAway: Checker = {
  name: 'stay away',
  check: ({ histories }) => [...histories].flatMap(([key, history]) => findReturned(key, history)),
};

const scans: Checker = {
  name: 'scans',
  check: (run) => run.scans.flatMap((scan) => findScanProblems(scan, run.histories)),
};

const replicas: Checker = {
  name: 'replicas',
  check: ({ settled }) =>
    settled.flatMap(({ when, stored, owners }) =>
      findReplicaDifferences(stored, owners).map((text) => `${when}: ${text}`),
    ),
};

const growth: Checker = { name: 'growth', check: (run) => findGrowth(run.growth) };

const leftovers: Checker = {
  name: 'leftovers',
  check: (run) => {
    // A node that is not let in waits for its next try, and notices only then that it was stopped.
    return run.leftovers.flatMap(({ node, timers, sockets }) => [
      ...(timers === 0 ? [] : [`${timers} timers are left of ${node} after it stopped`]),
      ...(sockets === 0 ? [] : [`${sockets} connections are left of ${node} after it stopped`]),
    ]);
  },
};

export const ALL_CHECKERS: readonly Checker[] = [
  convergence,
  linearizability,
  versionOrder,
  lostWrites,
  stayAway,
  scans,
  replicas,
  liveness,
  growth,
  leftovers,
];

/** What each key's replicas hold; keys that they disagree on are for {@link replicas}. */
function finalValues({ stored, owners }: Settled): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, names] of owners) {
    const held = names.map((name) => stored.get(name)?.get(key));
    const found = new Set(
      held.map((record) => (record === undefined ? '' : Buffer.from(record.value).toString())),
    );
    if (found.size === 1) values.set(key, [...found][0]!);
  }
  return values;
}
