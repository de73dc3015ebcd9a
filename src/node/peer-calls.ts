/** What a node answers to its peers' MessagePack requests, and how it keeps configurations in step with theirs. */
import { definite, type KvError, messageOf } from '../base/errors.js';
import type { Admission } from '../membership/admission.js';
import { addressProblem, type Member, memberNamed } from '../membership/cluster-config.js';
import type { ClusterState } from '../membership/cluster-state.js';
import type { Log } from '../ports/log.js';
import { type RecordCheck, scanRange } from '../replication/scan-range.js';
import type { UnsyncedSlots } from '../replication/unsynced-slots.js';
import type { RecordStore } from '../storage/record-store.js';
import { type Body, bytesField, integerField, requireEpoch, stringField } from '../wire/body.js';
import {
  CONFIG_PULL,
  CONFIG_PUSH,
  FREEZE,
  JOIN,
  PROTOCOL_VERSION,
  RELEASE,
  REPLICA_SCAN,
  typeName,
} from '../wire/message-type.js';
import type { PeerLink } from './peer-link.js';

/** Answers one type of request; rejects with a KvError to refuse it. */
export type CallHandler = (link: PeerLink, body: Body) => Promise<Body>;

export interface PeerCallsOptions {
  readonly state: ClusterState;
  readonly admission: Admission;
  readonly store: RecordStore;
  readonly isSound: RecordCheck;
  readonly unsynced: UnsyncedSlots;
  readonly log: Log;
}

const CONFIG_TIMEOUT_MS = 3000;
const SCAN_LIMIT_MAX = 10_000;
const SCAN_BYTES_MAX = 4 * 1024 * 1024;

export class PeerCalls {
  readonly #options: PeerCallsOptions;
  /** Peers with which a configuration is being exchanged at the moment. */
  readonly #exchanging = new Set<string>();
  readonly #handlers = new Map<number, CallHandler>();

  constructor(options: PeerCallsOptions) {
    this.#options = options;
    const { admission, state } = options;
    this.register(JOIN, (_link, body) => admission.onJoin(body));
    this.register(FREEZE, (_link, body) => admission.onFreeze(body));
    this.register(RELEASE, (_link, body) => admission.onRelease(body));
    this.register(CONFIG_PUSH, (_link, body) => admission.onConfig(body));
    this.register(CONFIG_PULL, () => Promise.resolve({ config: state.config }));
    this.register(REPLICA_SCAN, (_link, body) => this.#onScan(body));
  }

  /** Says who answers a type of MessagePack request. */
  register(type: number, handler: CallHandler): void {
    this.#handlers.set(type, handler);
  }

  /** Whether somebody here answers this type. */
  answers(type: number): boolean {
    return this.#handlers.has(type);
  }

  /** How this node introduces itself to a peer. */
  hello(software: string, address: string, to: Member): Body {
    const { state, admission } = this.#options;
    const { name, id } = state.identity;
    const clusterId = state.config?.clusterId ?? '';
    return {
      protocol: PROTOCOL_VERSION,
      role: 'peer',
      software,
      name,
      identity: id,
      clusterId,
      epoch: admission.announcedEpoch,
      address,
      to: to.name,
    };
  }

  /** Where to join again, when this HELLO takes the node of this name for a member of another cluster than it is in. */
  homeOf(name: string, hello: Body): string | undefined {
    const { config } = this.#options.state;
    const clusterId = stringField(hello, 'clusterId') ?? '';
    if (config === undefined || clusterId === '' || clusterId === config.clusterId) return undefined;
    const address = stringField(hello, 'address') ?? '';
    return hello.to === name && addressProblem(address) === undefined ? address : undefined;
  }

  /** Finds the member that introduces itself with this HELLO; a string says why it is none. */
  findMember(hello: Body): Member | string {
    const { config } = this.#options.state;
    if (config === undefined) return 'this node is itself still joining';
    if (hello.protocol !== PROTOCOL_VERSION) return `this node speaks protocol ${PROTOCOL_VERSION}`;
    if (stringField(hello, 'clusterId') !== config.clusterId) return 'this node belongs to another cluster';
    const name = stringField(hello, 'name') ?? '';
    const member = memberNamed(config, name);
    if (member === undefined) return `${name} is not a member under epoch ${config.epoch}`;
    return member.identity === stringField(hello, 'identity') ? member : lostIdentity(name);
  }

  /** What is wrong with the WELCOME of a member that this node has dialled, or undefined. */
  welcomeProblem(member: Member, body: Body | undefined): string | undefined {
    if (body === undefined || body.protocol !== PROTOCOL_VERSION)
      return `${member.address} speaks another protocol`;
    if (stringField(body, 'node') !== member.name) return `${member.address} is not ${member.name}`;
    if (stringField(body, 'identity') !== member.identity) return lostIdentity(member.name);
    return undefined;
  }

  onCall(link: PeerLink, type: number, body: Body): Promise<Body> {
    const handler = this.#handlers.get(type);
    if (handler !== undefined) return handler(link, body);
    return Promise.reject(definite('UNKNOWN_TYPE', `this node does not know ${typeName(type)}`));
  }

  /** A peer speaks under another epoch: whoever has the older configuration gets the newer one. */
  onPeerEpoch(link: PeerLink, epoch: number): void {
    const { state, log } = this.#options;
    if (epoch === state.epoch || this.#exchanging.has(link.name)) return;
    this.#exchanging.add(link.name);
    const exchanged = epoch > state.epoch ? this.#pull(link) : this.#push(link);
    exchanged
      .catch((error) =>
        log.debug('no exchange of configurations', { peer: link.name, error: messageOf(error) }),
      )
      .finally(() => this.#exchanging.delete(link.name));
  }

  async #pull(link: PeerLink): Promise<void> {
    await this.#options.admission.onConfig(await link.call(CONFIG_PULL, {}, CONFIG_TIMEOUT_MS));
  }

  async #push(link: PeerLink): Promise<void> {
    await link.call(CONFIG_PUSH, { config: this.#options.state.config }, CONFIG_TIMEOUT_MS);
  }

  async #onScan(body: Body): Promise<Body> {
    const from = bytesField(body, 'from');
    const limit = integerField(body, 'limit', 1, SCAN_LIMIT_MAX);
    const bytesMax = integerField(body, 'bytesMax', 1, SCAN_BYTES_MAX);
    const prefix = bytesField(body, 'prefix') ?? new Uint8Array(0);
    if (from === undefined || from.length < 2 || limit === undefined || bytesMax === undefined)
      throw malformed();
    requireEpoch(body, this.#options.state.epoch);
    if (this.#options.unsynced.count > 0) throw hasNoVote();
    const values = body.values === true;
    const { store, isSound } = this.#options;
    return { ...(await scanRange(store, { from, prefix, limit, bytesMax, values }, isSound)) };
  }
}

/** Why a node that has lost its data and not synced all of it gives no run of its records. */
export function hasNoVote(): KvError {
  return definite('SYNCING', 'this replica lost its data and has not synced all of it yet');
}

function malformed(): KvError {
  return definite('BAD_REQUEST', 'a malformed REPLICA_SCAN');
}

function lostIdentity(name: string): string {
  return `${name} has another identity than the member of that name: its disk was lost, or it is a second node`;
}
