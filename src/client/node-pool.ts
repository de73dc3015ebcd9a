/**
 * The nodes that the client knows: those it was given, and those of the ring it has learned. Says where a request goes,
 * and opens connections as requests call for them.
 *
 * A member that was first reached under another address (`localhost`, a forwarded port) is recognised by its name and
 * keeps the address that is known to work. A node that leaves the ring is let go; the addresses that the user gave stay
 * as a last resort, for when no member can be reached.
 */
import { definite, type KvError } from '../base/errors.js';
import type { ClusterConfig, Member } from '../membership/cluster-config.js';
import type { Address } from '../ports/network.js';
import type { KeyHasher } from '../ring/hash.js';
import { buildRing, type Ring } from '../ring/ring.js';
import { slotOf } from '../ring/slot.js';
import { ClientNode, type NodeListener, type NodeSettings } from './client-node.js';
import type { NodeConnection, Welcome } from './node-connection.js';
import { NO_SLOT, type Request } from './request.js';
import { chooseNode, ownerToOpen } from './routing.js';

/** Connections opened at once when none is up: enough to get past dead nodes, few enough for a cluster that restarts. */
const OPENING_MAX = 5;

const NO_NODES: readonly ClientNode[] = [];

export class NodePool {
  readonly #settings: NodeSettings;
  readonly #listener: NodeListener;
  readonly #hasher: KeyHasher;
  readonly #seeds: readonly Address[];
  readonly #nodes = new Map<Address, ClientNode>();
  #config: ClusterConfig | undefined;
  #ring: Ring | undefined;
  /** The node of each member, in the configuration's order. */
  #members: readonly ClientNode[] = NO_NODES;
  /** Every node worth asking: the members, then the seeds that are not among them. */
  #all: readonly ClientNode[];
  /** By slot; filled as slots are used. */
  #owners: (readonly ClientNode[] | undefined)[] = [];
  /** Where the next request without a key starts looking. */
  #turn = 0;
  #isClosed = false;

  constructor(seeds: readonly Address[], hasher: KeyHasher, settings: NodeSettings, listener: NodeListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#hasher = hasher;
    this.#seeds = seeds;
    this.#all = seeds.map((address) => this.#nodeAt(address));
  }

  /** The newest configuration that was learned. */
  get config(): ClusterConfig | undefined {
    return this.#config;
  }

  /** The connection for `request`, or undefined when no node that may answer it is connected. */
  route(request: Request, nowMs: number): NodeConnection | undefined {
    if (request.pinned !== undefined) return request.pinned.connection();
    const owners = this.#ownersOf(request);
    const node = this.#choose(request, owners);
    const isBest = node !== undefined && node === owners[0] && node.standing === 'ready' && !node.isShort;
    if (!isBest) ownerToOpen(owners, nowMs)?.open();
    return node?.connection();
  }

  /** Whether another node than the one `request` is at could take it now. */
  hasBetter(request: Request, current: ClientNode): boolean {
    const node = chooseNode(this.#ownersOf(request), this.#all, 0, current);
    return node !== undefined && node !== current && node.standing === 'ready';
  }

  /**
   * For a request that no connected node can take: opens connections, and says until when it has to wait. `nowMs`: some
   * are being opened. Later: every node has failed lately, and may be tried again then.
   */
  reach(request: Request, nowMs: number): number {
    const candidates = request.pinned === undefined ? this.#candidates(request) : [request.pinned];
    let opening = candidates.filter((node) => node.isOpening).length;
    let openAtMs = Number.POSITIVE_INFINITY;
    for (const node of candidates) {
      if (opening >= OPENING_MAX) break;
      if (node.canOpen(nowMs) && (!node.isStandby || opening === 0)) {
        node.open();
        opening++;
      }
      openAtMs = Math.min(openAtMs, node.openAtMs);
    }
    return opening > 0 ? nowMs : openAtMs;
  }

  /** Why the last attempts to connect failed. */
  lastError(): KvError | undefined {
    return this.#all.find((node) => node.lastError !== undefined)?.lastError;
  }

  /** The node of a member's name, or else at an address, which need not be a member's. */
  nodeOf(nameOrAddress: string): ClientNode {
    const index = this.#config?.members.findIndex((member) => member.name === nameOrAddress) ?? -1;
    return this.#members[index] ?? this.#nodeAt(nameOrAddress);
  }

  /** What is wrong with a node that welcomes us, if anything. */
  problemWith(node: ClientNode, welcome: Welcome): KvError | undefined {
    const ours = this.#config?.clusterId;
    if (ours === undefined || welcome.clusterId === '' || welcome.clusterId === ours) return undefined;
    const message = `${welcome.node} (${node.address}) belongs to another cluster; connect anew to talk to that one`;
    return definite('PROTOCOL', message);
  }

  /** Takes over what a node says of the ring, unless something newer is known. `live` are names. */
  adopt(config: ClusterConfig, live: readonly string[]): void {
    const known = this.#config;
    if (this.#isClosed || (known !== undefined && known.epoch > config.epoch)) return;
    if (known === undefined || known.epoch < config.epoch) this.#rebuild(config);
    this.#members.forEach((node, i) => {
      node.isLive = live.includes(config.members[i]!.name);
    });
  }

  close(reason: KvError): void {
    this.#isClosed = true;
    for (const node of this.#nodes.values()) node.close(reason);
  }

  #rebuild(config: ClusterConfig): void {
    this.#ring = buildRing(config.members, config.replicas, this.#hasher);
    this.#owners = [];
    this.#config = config;
    this.#members = config.members.map((member) => this.#nodeOfMember(member));
    const members = new Set(this.#members);
    const standby = this.#seeds.map((address) => this.#nodeAt(address)).filter((node) => !members.has(node));
    this.#all = [...members, ...standby];
    for (const [address, node] of this.#nodes) {
      node.isStandby = !members.has(node);
      if (!node.isStandby) continue;
      if (!standby.includes(node)) this.#nodes.delete(address);
      node.isLive = false;
      node.retire();
    }
  }

  #nodeOfMember(member: Member): ClientNode {
    const byAddress = this.#nodes.get(member.address);
    if (byAddress !== undefined) return byAddress;
    for (const node of this.#nodes.values()) {
      if (node.name === member.name && node.standing !== 'down') return node;
    }
    const node = this.#nodeAt(member.address);
    node.name = member.name;
    return node;
  }

  #nodeAt(address: Address): ClientNode {
    let node = this.#nodes.get(address);
    if (node === undefined) {
      node = new ClientNode(address, this.#settings, this.#listener);
      this.#nodes.set(address, node);
    }
    return node;
  }

  #choose(request: Request, owners: readonly ClientNode[]): ClientNode | undefined {
    const first = owners[0];
    // Nearly always; the rest of the decision costs more than this.
    if (first !== undefined && first !== request.avoid && first.standing === 'ready') return first;
    const start = request.slot === NO_SLOT ? this.#turn++ : request.slot;
    return chooseNode(owners, this.#all, start, request.avoid);
  }

  #ownersOf(request: Request): readonly ClientNode[] {
    const ring = this.#ring;
    if (ring === undefined || request.key.length === 0) return NO_NODES;
    if (request.slot === NO_SLOT) {
      this.#hasher.hash(request.key);
      request.slot = slotOf(this.#hasher.hi);
    }
    let owners = this.#owners[request.slot];
    if (owners === undefined) {
      owners = ring.owners(request.slot).map((index) => this.#members[index]!);
      this.#owners[request.slot] = owners;
    }
    return owners;
  }

  /** Owners first, then nodes that are believed to live, then the others, seeds last. */
  #candidates(request: Request): ClientNode[] {
    const live = this.#all.filter((node) => node.isLive);
    const start = live.length === 0 ? 0 : this.#turn++ % live.length;
    return [
      ...new Set([...this.#ownersOf(request), ...live.slice(start), ...live.slice(0, start), ...this.#all]),
    ];
  }
}
