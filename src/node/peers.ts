/** The links to the other members, kept in step with the cluster configuration. */
import type { MemberCalls } from '../membership/admission.js';
import type { ClusterConfig } from '../membership/cluster-config.js';
import type { Body } from '../wire/body.js';
import { notConnected } from './calls.js';
import type { LinkContext } from './link-context.js';
import { PeerLink } from './peer-link.js';

export class Peers implements MemberCalls {
  readonly #links = new Map<string, PeerLink>();
  #isClosed = false;

  links(): IterableIterator<PeerLink> {
    return this.#links.values();
  }

  get(name: string): PeerLink | undefined {
    return this.#links.get(name);
  }

  /** Links over a connection that the peer opened. */
  acceptedLinks(): number {
    return [...this.#links.values()].filter((link) => link.isAccepted).length;
  }

  /** Makes links to new members and ends those to members that are no more, or are not the same any more. */
  update(config: ClusterConfig, ownName: string, context: LinkContext): void {
    if (this.#isClosed) return;
    for (const link of [...this.#links.values()]) {
      const member = config.members.find(({ name }) => name === link.name);
      if (member?.identity === link.member.identity && member.address === link.address) continue;
      link.close();
      this.#links.delete(link.name);
    }
    for (const member of config.members) {
      if (member.name === ownName || this.#links.has(member.name)) continue;
      const link = new PeerLink(member, context);
      this.#links.set(member.name, link);
      link.start();
    }
  }

  call(name: string, type: number, body: Body, timeoutMs: number): Promise<Body> {
    const link = this.#links.get(name);
    return link === undefined ? Promise.reject(notConnected(name)) : link.call(type, body, timeoutMs);
  }

  generation(name: string): number {
    return this.#links.get(name)?.generation ?? 0;
  }

  connection(name: string): 'live' | 'silent' | 'down' {
    const link = this.#links.get(name);
    if (link === undefined || !link.isUp) return 'down';
    return link.isLive ? 'live' : 'silent';
  }

  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
  }
}
