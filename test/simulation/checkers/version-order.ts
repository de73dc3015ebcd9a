/**
 * Time does not go back: whatever starts after an operation has ended meets its version or a higher one, and a version
 * says one thing only. This follows from linearizability where values tell versions apart; it is quicker, and names the
 * two operations that contradict each other.
 */
import type { Version } from '../../../src/version/version.js';
import { compareVersions, formatVersion } from '../../../src/version/version.js';

/** An operation on one key that was done through majorities, and the version that it read or wrote. */
export interface Sighting {
  readonly kind: 'read' | 'write';
  readonly version: Version;
  readonly value: string;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly by: string;
}

/** @returns a sentence for each operation that met something older than what was known before its call. */
export function findSetbacks(sightings: readonly Sighting[]): string[] {
  const ended = sightings.toSorted((a, b) => a.returnedAt - b.returnedAt);
  const problems: string[] = [];
  let highest: Sighting | undefined;
  let next = 0;
  for (const sighting of sightings.toSorted((a, b) => a.calledAt - b.calledAt)) {
    for (
      let before = ended[next];
      before !== undefined && before.returnedAt < sighting.calledAt;
      before = ended[next]
    ) {
      if (highest === undefined || compare(before, highest) > 0) highest = before;
      next++;
    }
    if (highest === undefined) continue;
    const order = compare(sighting, highest);
    // A write makes a version of its own.
    if (order > 0 || (order === 0 && sighting.kind === 'read')) continue;
    problems.push(`${tell(sighting)} after ${tell(highest)} had ended`);
  }
  return [...problems, ...findContradictions(sightings)];
}

/** Versions that were seen with two values. */
function findContradictions(sightings: readonly Sighting[]): string[] {
  const first = new Map<string, Sighting>();
  const problems: string[] = [];
  for (const sighting of sightings) {
    const { time, node } = sighting.version;
    const known = first.get(`${time}.${node}`);
    if (known === undefined) first.set(`${time}.${node}`, sighting);
    else if (known.value !== sighting.value) problems.push(`${tell(sighting)}, and ${tell(known)}`);
  }
  return problems;
}

function compare({ version: a }: Sighting, { version: b }: Sighting): number {
  return compareVersions(a.time, a.node, b.time, b.node);
}

function tell({ kind, value, version, by, calledAt }: Sighting): string {
  const done = kind === 'read' ? 'read' : 'wrote';
  return `${by} ${done} ${value || 'absence'} (${formatVersion(version)}) at ${Math.round(calledAt)} ms`;
}
