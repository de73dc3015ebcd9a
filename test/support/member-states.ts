/** What nodes of a virtual cluster say of each other. */
import type { Cluster } from './cluster.js';

export interface MemberStatus {
  readonly name: string;
  readonly state: string;
  readonly incarnation: number;
}

/** Every member as one node sees it. */
export async function membersSeenBy(cluster: Cluster, name: string): Promise<readonly MemberStatus[]> {
  return ((await cluster.status(name)).members ?? []) as MemberStatus[];
}

/** The state of every member but the node itself, by name. */
export async function states(cluster: Cluster, name: string): Promise<Record<string, string>> {
  const members = (await membersSeenBy(cluster, name)).filter(({ state }) => state !== 'self');
  return Object.fromEntries(members.map((member) => [member.name, member.state]));
}

/** Whom the running nodes do not see as alive, as `observer: member state`. */
export async function accusations(cluster: Cluster): Promise<string[]> {
  const found: string[] = [];
  for (const name of cluster.names.filter((each) => cluster.isRunning(each))) {
    for (const [member, state] of Object.entries(await states(cluster, name))) {
      if (state !== 'alive') found.push(`${name}: ${member} ${state}`);
    }
  }
  return found;
}
