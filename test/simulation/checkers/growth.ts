/**
 * Nothing grows without bound: no queue, no table and no timer of a node ever holds more than the load explains, and when
 * the load has gone everything is as empty again as it was before.
 */

export type Gauges = Readonly<Record<string, number>>;

/** How full the tables of one node were at a moment. */
export interface GaugeSample {
  readonly atMs: number;
  readonly node: string;
  readonly gauges: Gauges;
}

export interface Growth {
  /** Before the clients came: what a node needs for itself. */
  readonly before: readonly GaugeSample[];
  /** Every second while the clients worked and things went wrong. */
  readonly during: readonly GaugeSample[];
  /** When all have left, and some time has passed. */
  readonly after: readonly GaugeSample[];
  /** The most that the load explains, for each gauge. */
  readonly limits: Gauges;
  /** How much more than before there may be afterwards, for each gauge; none unless told. */
  readonly slack: Gauges;
}

/** @returns a sentence for each gauge of each node that was over its limit, or that did not go back. */
export function findGrowth({ before, during, after, limits, slack }: Growth): string[] {
  const highest = new Map<string, string>();
  const most = new Map<string, number>();
  for (const { atMs, node, gauges } of [...before, ...during, ...after]) {
    for (const [name, value] of Object.entries(gauges)) {
      const limit = limits[name];
      const id = `${node} ${name}`;
      if (limit === undefined) highest.set(id, `nobody has said how large ${name} may be`);
      else if (value > Math.max(limit, most.get(id) ?? 0)) {
        most.set(id, value);
        const told = `${name} of ${node} was ${value} at ${Math.round(atMs)} ms, and the load explains ${limit}`;
        highest.set(id, told);
      }
    }
  }
  return [...highest.values(), ...after.flatMap((last) => findLasting(last, before, slack))];
}

function findLasting({ node, gauges }: GaugeSample, before: readonly GaugeSample[], slack: Gauges): string[] {
  const first = before.find((sample) => sample.node === node)?.gauges ?? {};
  return Object.entries(gauges).flatMap(([name, value]) => {
    const level = first[name] ?? 0;
    if (value <= level + (slack[name] ?? 0)) return [];
    return [`${name} of ${node} was ${level} before the load, and ${value} after it`];
  });
}
