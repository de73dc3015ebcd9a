/**
 * How a node becomes a member, while data does not move yet, and how one that lost its data is let in again.
 *
 * A join asked of any member goes to the registrar (the first member), which admits one node at a time: it has every
 * member freeze (declare that it holds no records, and refuse writes from then on), makes the configuration with the
 * next epoch, stores it, and hands it to all. Where a member holds records or does not answer, nobody is admitted and
 * the freeze is released. So no write can be acknowledged under the old placement and be missing under the new one.
 *
 * A node that comes back under its name without its data takes its own place: the next configuration has its new identity,
 * and says that it must sync before it has a vote (see `node/replica-sync.ts`). Placement does not change, so nobody
 * freezes. If the registrar is the one that was lost, the next member decides, after all the others have told it
 * which configuration they know.
 */
import { definite, KvError, messageOf } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import { type Body, integerField, mapField } from '../wire/body.js';
import { CONFIG_PULL, CONFIG_PUSH, FREEZE, JOIN, RELEASE } from '../wire/message-type.js';
import {
  admitterOf,
  type ClusterConfig,
  type Member,
  memberNamed,
  parseConfig,
  parseMember,
  registrarOf,
} from './cluster-config.js';
import type { ClusterState } from './cluster-state.js';

/** What admission needs of the links to the other members. */
export interface MemberCalls {
  call(name: string, type: number, body: Body, timeoutMs: number): Promise<Body>;
  /** Changes whenever the connection to this member is another one. */
  generation(name: string): number;
  /** `live`: it answers. `silent`: it is connected, and has not been heard for a moment. */
  connection(name: string): 'live' | 'silent' | 'down';
}

export interface AdmissionOptions {
  readonly name: string;
  readonly state: ClusterState;
  readonly members: MemberCalls;
  readonly log: Log;
  /** Whether this node holds no records, queued ones included. */
  readonly isEmpty: () => Promise<boolean>;
}

const FREEZE_TIMEOUT_MS = 3000;
const PUSH_TIMEOUT_MS = 3000;
const PROBE_TIMEOUT_MS = 1000;
/** A join may wait for others that came before it. */
const JOIN_TIMEOUT_MS = 15_000;

export class Admission {
  readonly #options: AdmissionOptions;
  /** Joins are admitted one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  /** As registrar: the next configuration may be in this node's log, or come there. */
  #isDeciding = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * The epoch that this node tells its peers when a link comes up. While it decides as registrar that is the next one:
   * the present one would end their freeze, see {@link onLinkUp}.
   */
  get announcedEpoch(): number {
    return this.#options.state.epoch + (this.#isDeciding ? 1 : 0);
  }

  /** After a restart. Whoever this node was admitting as registrar has been forgotten, so its own freeze is over. */
  async onStart(): Promise<void> {
    const { state, name } = this.#options;
    if (state.isFrozen && registrarOf(this.#config()).name === name) await state.release(state.epoch);
  }

  /** The storage works again. If it failed under a decision of this registrar, that is now decided: nobody is admitted. */
  async onStorageOpen(): Promise<void> {
    if (this.#isDeciding) await this.#releaseAll(this.#others(), this.#options.state.epoch);
  }

  /** A node asks to join; any member takes the question. Resolves with `{ config }` that includes it. */
  async onJoin(body: Body): Promise<Body> {
    const config = this.#config();
    const member = parseMember(mapField(body, 'member'));
    if (member === undefined) throw definite('BAD_REQUEST', 'a malformed JOIN: its member is not valid');
    const admitter = admitterOf(config, member.name).name;
    if (admitter !== this.#options.name) return this.#forward(admitter, { member });
    const admitted = this.#queue.then(() => this.#admit(member));
    this.#queue = admitted.catch(() => undefined);
    return { config: await admitted };
  }

  /** The registrar asks this node to freeze. */
  async onFreeze(body: Body): Promise<Body> {
    const epoch = integerField(body, 'epoch', 1, 0xffffffff);
    if (epoch !== this.#options.state.epoch) throw changing('its configuration is another one');
    await this.#freezeSelf();
    return {};
  }

  async onRelease(body: Body): Promise<Body> {
    await this.#options.state.release(integerField(body, 'epoch', 1, 0xffffffff) ?? 0);
    return {};
  }

  /** Takes over a configuration that a member sends, if it is newer. */
  async onConfig(body: Body): Promise<Body> {
    const config = parseConfig(mapField(body, 'config'));
    if (config === undefined) throw definite('BAD_REQUEST', 'a malformed configuration');
    await this.#options.state.adopt(config);
    return { epoch: this.#options.state.epoch };
  }

  /**
   * The link to a member is new. If it is the registrar and its epoch is still the one this node froze under, it
   * has not finished admitting anyone over the old link, and will not: see `#admit`.
   */
  async onLinkUp(name: string, epoch: number): Promise<void> {
    const { state } = this.#options;
    if (!state.isFrozen || name !== registrarOf(this.#config()).name || epoch !== state.epoch) return;
    await state.release(epoch);
  }

  async #forward(admitter: string, body: Body): Promise<Body> {
    try {
      return await this.#options.members.call(admitter, JOIN, body, JOIN_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof KvError && error.code !== 'CONNECT_FAILED') throw error;
      throw changing(`${admitter}, which admits new members, cannot be reached: ${messageOf(error)}`);
    }
  }

  async #admit(member: Member): Promise<ClusterConfig> {
    const config = this.#config();
    const known = memberNamed(config, member.name);
    // The answer to an earlier JOIN may have been lost.
    if (known !== undefined && known.identity === member.identity) return config;
    if (known !== undefined && known.name !== this.#options.name) return this.#replace(known, member);
    const problem = joinProblem(config, member);
    if (problem !== undefined) throw definite('JOIN_REFUSED', problem);
    const others = this.#others();
    const generations = others.map((name) => this.#options.members.generation(name));
    try {
      await this.#freezeSelf();
      await Promise.all(others.map((name) => this.#freezeOther(name, config.epoch)));
      // A member whose link has changed meanwhile may have ended its freeze.
      if (others.some((name, i) => this.#options.members.generation(name) !== generations[i])) {
        throw changing('a connection between members was lost meanwhile');
      }
      return await this.#commit(config, [...config.members, member], member, others);
    } catch (error) {
      await this.#releaseAll(others, config.epoch);
      throw error;
    }
  }

  /** Lets a node take the place of the member of its name, whose data is gone. */
  async #replace(known: Member, member: Member): Promise<ClusterConfig> {
    const { name, state } = this.#options;
    const problem = replacementProblem(known, member, await this.#connectionOf(known.name));
    if (problem !== undefined) throw problem;
    const others = this.#others().filter((other) => other !== known.name);
    // The registrar, which made every configuration so far, may have told one to somebody else only.
    if (registrarOf(this.#config()).name !== name) {
      for (const body of await Promise.all(others.map((other) => this.#pull(other))))
        await this.onConfig(body);
    }
    const config = this.#config();
    if (state.isFrozen) throw changing('another member is being admitted');
    if (memberNamed(config, member.name)?.identity !== known.identity)
      throw changing('somebody else was let in');
    const heir = { ...member, mustSync: true };
    const list = config.members.map((each) => (each.name === known.name ? heir : each));
    return this.#commit(config, list, member, others);
  }

  /** The member may have been lost a moment ago, and nobody has noticed yet: so it is asked something. */
  async #connectionOf(name: string): Promise<'live' | 'silent' | 'down'> {
    const { members } = this.#options;
    const connection = members.connection(name);
    if (connection !== 'live') return connection;
    const isAnswered = await members.call(name, CONFIG_PULL, {}, PROBE_TIMEOUT_MS).then(
      () => true,
      () => false,
    );
    return isAnswered ? 'live' : members.connection(name) === 'down' ? 'down' : 'silent';
  }

  async #pull(other: string): Promise<Body> {
    try {
      return await this.#options.members.call(other, CONFIG_PULL, {}, PUSH_TIMEOUT_MS);
    } catch (error) {
      throw changing(`member ${other} must be asked first: ${messageOf(error)}`);
    }
  }

  async #commit(
    config: ClusterConfig,
    list: readonly Member[],
    member: Member,
    others: readonly string[],
  ): Promise<ClusterConfig> {
    const { state, members, log } = this.#options;
    const next = { ...config, epoch: config.epoch + 1, members: list };
    // From here on until it is stored, or is known not to be.
    this.#isDeciding = true;
    await state.adopt(next);
    this.#isDeciding = false;
    log.info('admitted a member', { member: member.name, address: member.address, epoch: next.epoch });
    const body = { config: next as unknown as Body };
    // Who does not get it now learns of it from the next heartbeat.
    await Promise.allSettled(others.map((name) => members.call(name, CONFIG_PUSH, body, PUSH_TIMEOUT_MS)));
    return next;
  }

  async #freezeSelf(): Promise<void> {
    const { state, isEmpty, name } = this.#options;
    const { epoch } = state;
    await state.freeze();
    // Only now: a write that was on its way has either been refused, or is seen here.
    if (await isEmpty()) return;
    await state.release(epoch);
    throw definite(
      'JOIN_REFUSED',
      `the cluster already holds records (${name} does): nodes can join only while it is empty`,
    );
  }

  async #freezeOther(name: string, epoch: number): Promise<void> {
    try {
      await this.#options.members.call(name, FREEZE, { epoch }, FREEZE_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof KvError && error.code === 'JOIN_REFUSED') throw error;
      throw changing(`member ${name} does not agree now: ${messageOf(error)}`);
    }
  }

  async #releaseAll(others: readonly string[], epoch: number): Promise<void> {
    const { state, members } = this.#options;
    if (state.epoch !== epoch) return;
    // If this fails, a decision that failed may be in the log: the others stay frozen until the storage works again.
    await state.release(epoch);
    this.#isDeciding = false;
    await Promise.allSettled(others.map((name) => members.call(name, RELEASE, { epoch }, FREEZE_TIMEOUT_MS)));
  }

  #others(): string[] {
    const { name: own } = this.#options;
    return this.#config()
      .members.map(({ name }) => name)
      .filter((name) => name !== own);
  }

  #config(): ClusterConfig {
    const { config } = this.#options.state;
    if (config === undefined) throw changing('this node is itself still joining');
    return config;
  }
}

/** Why a node cannot take the place of the member of its name, or undefined. */
function replacementProblem(
  known: Member,
  member: Member,
  connection: 'live' | 'silent' | 'down',
): KvError | undefined {
  const { name } = known;
  if (connection === 'live') {
    const message = `a member named ${name} is running, with another data directory: choose another name, or stop that one first`;
    return definite('JOIN_REFUSED', message);
  }
  if (connection === 'silent') return changing(`the member named ${name} is still connected`);
  if (member.weight === known.weight && member.zone === known.zone) return undefined;
  const was = `weight ${known.weight} and zone ${JSON.stringify(known.zone)}`;
  return definite('JOIN_REFUSED', `member ${name} had ${was}: to take its place, start with the same`);
}

/** Why a node cannot be a member beside those there are, or undefined. */
function joinProblem(config: ClusterConfig, member: Member): string | undefined {
  if (memberNamed(config, member.name) !== undefined) {
    return `a member named ${member.name} is running, with another data directory: choose another name`;
  }
  const neighbour = config.members.find(({ address }) => address === member.address);
  if (neighbour !== undefined) return `${member.address} is the address of member ${neighbour.name}`;
  return undefined;
}

/** A refusal that a joining node may answer by trying again. */
function changing(reason: string): KvError {
  return definite('CONFIG_CHANGING', `cannot admit a member now: ${reason}`);
}
