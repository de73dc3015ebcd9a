/**
 * The link to one other member: one connection that carries both sides' requests and replies.
 *
 * States: down → connecting → greeting → up, and back to down with a jittered backoff. The member whose name sorts
 * first dials; the other waits to be called, and dials too when that takes long. While up, the peer is live as long as it is heard and its storage works.
 */
import { definite, type KvError } from '../base/errors.js';
import type { Member } from '../membership/cluster-config.js';
import { judge, type Liveliness, reconnectDelayMs } from '../membership/heartbeat.js';
import type { Timer } from '../ports/clock.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { type Body, decodeBody, integerField, writeBody } from '../wire/body.js';
import { readError } from '../wire/error-message.js';
import type { Frame } from '../wire/frame.js';
import { FrameConnection, type FrameConsumer } from '../wire/frame-connection.js';
import { ERROR, FLAG_NOT_SERVING, HELLO, WELCOME } from '../wire/message-type.js';
import type { Outbox } from '../wire/outbox.js';
import { readPingWallField, writePing } from '../wire/replica-messages.js';
import { Calls, notConnected } from './calls.js';
import { LinkClient } from './link-client.js';
import type { LinkContext } from './link-context.js';
import { dispatchPeerFrame } from './peer-frames.js';

/** A greeting that takes longer is given up. */
const GREETING_MS_MAX = 5000;

/** Whoever waits to be called dials himself after so long without a link: the way may be open in one direction only. */
const CALLED_MS_MAX = 10_000;

/** A connection that is not open after this is dialled anew. */
const DIAL_MS_MAX = 3000;

export class PeerLink implements ReplicaPeer, FrameConsumer {
  readonly member: Member;
  readonly isSelf = false;
  readonly calls: Calls;
  readonly #context: LinkContext;
  #channel: FrameConnection | undefined;
  #isGreeted = false;
  #liveliness: Liveliness = 'alive';
  #isServing = true;
  #attempts = 0;
  #redial: Timer | undefined;
  #dialling: DialHandler | undefined;
  #dialledAtMs = 0;
  #connectedAtMs = 0;
  #heardAtMs = 0;
  #pingSentAtMs = 0;
  /** Since when there is no link, and nobody on this side has tried to make one. */
  #waitingSinceMs: number;
  #isClosed = false;
  /** The failure detector takes it for failed, whatever the link says. */
  isSuspect = false;
  /** Grows with every new connection: what was agreed over an older one does not hold for this one. */
  generation = 0;
  /** Whether the present connection was opened by the peer. */
  isAccepted = false;
  /** The epoch of the peer's configuration when it greeted. */
  greetedEpoch = 0;
  client: LinkClient | undefined;
  latencyMs = 1;
  unsureUntilMs = 0;
  /** Round-trip time of the last heartbeat, and how far the peer's wall clock is ahead of ours; −1 and 0 until known. */
  rttMs = -1;
  clockOffsetMs = 0;
  /** Why the last attempt failed, for the status. */
  lastProblem = '';

  constructor(member: Member, context: LinkContext) {
    this.member = member;
    this.#context = context;
    this.calls = new Calls(context.clock, member.name);
    this.#waitingSinceMs = context.clock.monotonicMs();
  }

  get name(): string {
    return this.member.name;
  }

  get address(): string {
    return this.member.address;
  }

  get isUp(): boolean {
    return this.#isGreeted;
  }

  get isLive(): boolean {
    return this.#isGreeted && this.#isServing && this.#liveliness === 'alive';
  }

  get outbox(): Outbox {
    return this.#channel!.outbox;
  }

  /** Whether it is ours to dial. */
  get isDialer(): boolean {
    return this.#context.name < this.member.name;
  }

  /** Begins to dial, if that is ours to do. */
  start(): void {
    if (this.isDialer) this.#dial();
  }

  /** Ends the link for good. */
  close(): void {
    this.#isClosed = true;
    if (this.#redial !== undefined) this.#context.clock.clearTimer(this.#redial);
    this.#channel?.outbox.flush();
    this.#channel?.connection.end();
  }

  /** Takes over a connection on which the peer has introduced itself. The newest one counts. */
  accept(channel: FrameConnection, epoch: number): void {
    if (this.#channel !== undefined) this.#drop(definite('CONNECTION_LOST', 'the peer connected again'));
    this.#adopt(channel);
    this.isAccepted = true;
    this.#greeted(epoch);
  }

  /** Asks the peer something off the request path. */
  call(type: number, body: Body, timeoutMs: number): Promise<Body> {
    if (!this.#isGreeted) return Promise.reject(notConnected(this.name));
    return this.calls.send(this.outbox, type, body, timeoutMs);
  }

  /** Sends a heartbeat and judges the silence. Called at every heartbeat interval. */
  onTick(nowMs: number, ownLagMs: number): void {
    this.calls.sweep();
    if (this.#channel === undefined)
      return this.#dialling === undefined ? this.#judgeWait(nowMs) : this.#judgeDial(nowMs);
    if (!this.#isGreeted) {
      if (nowMs - this.#connectedAtMs > GREETING_MS_MAX)
        this.#drop(definite('TIMEOUT', 'no greeting in time'));
      return;
    }
    const before = this.#liveliness;
    this.#liveliness = judge(nowMs - this.#heardAtMs, ownLagMs, before);
    if (this.#liveliness === 'lost') return this.#drop(definite('TIMEOUT', 'the peer fell silent'));
    if (this.#liveliness !== before) this.#onLivelinessChanged();
    this.#sendPing(nowMs);
  }

  /** It is the peer's to dial, but perhaps it cannot. Should both dial at once, the newest connection counts. */
  #judgeWait(nowMs: number): void {
    if (!this.isDialer && nowMs - this.#waitingSinceMs > CALLED_MS_MAX) this.#dial();
  }

  /** The system may try to connect for minutes; by then the way may long be open again. */
  #judgeDial(nowMs: number): void {
    if (nowMs - this.#dialledAtMs <= DIAL_MS_MAX) return;
    this.#dialling = undefined;
    this.#down('no connection in time');
  }

  onFrame(frame: Frame): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    if (this.#isGreeted) return dispatchPeerFrame(this, this.#context, frame);
    if (frame.type === WELCOME) return this.#onWelcome(decodeBody(frame.body()));
    const problem = frame.type === ERROR ? readError(frame) : definite('PROTOCOL', 'no welcome');
    this.#drop(problem);
  }

  onClosed(error?: Error): void {
    this.#down(error?.message ?? 'the connection ended');
  }

  onPong(frame: Frame): void {
    const now = this.#context.clock.monotonicMs();
    this.rttMs = now - this.#pingSentAtMs;
    this.clockOffsetMs = Math.round(readPingWallField(frame) + this.rttMs / 2 - this.#context.clock.wallMs());
    this.onServing((frame.flags & FLAG_NOT_SERVING) === 0);
  }

  /** The peer says whether its storage works. */
  onServing(isServing: boolean): void {
    if (isServing === this.#isServing) return;
    this.#isServing = isServing;
    if (!isServing) this.#context.coordinator.onPeerDown(this);
    this.#context.log.info(isServing ? 'peer serves again' : 'peer reports failed storage', {
      peer: this.name,
    });
  }

  #dial(): void {
    this.#redial = undefined;
    if (this.#isClosed || this.#channel !== undefined) return;
    const context = this.#context;
    const handler = new DialHandler(this);
    this.#dialling = handler;
    this.#dialledAtMs = context.clock.monotonicMs();
    context.network.connect(this.address, handler, (connection) => {
      const channel = new FrameConnection(connection, context.flusher, NOBODY);
      handler.channel = channel;
      if (this.#isClosed || this.#channel !== undefined || this.#dialling !== handler) {
        return connection.destroy();
      }
      this.#dialling = undefined;
      this.#adopt(channel);
      writeBody(channel.outbox, HELLO, 0, context.hello(this.member));
    });
  }

  /** A dialled connection could not be opened. */
  onDialFailed(handler: DialHandler, error: Error | undefined): void {
    if (this.#dialling !== handler) return; // It was given up before.
    this.#dialling = undefined;
    if (this.#channel === undefined) this.#down(error?.message ?? 'the connection ended');
  }

  #adopt(channel: FrameConnection): void {
    this.#channel = channel;
    channel.consumer = this;
    this.generation++;
    this.#connectedAtMs = this.#context.clock.monotonicMs();
    this.#heardAtMs = this.#connectedAtMs;
  }

  #onWelcome(body: Body | undefined): void {
    const problem = this.#context.welcomeProblem(this.member, body);
    if (problem !== undefined) this.#drop(definite('NOT_A_MEMBER', problem));
    else this.#greeted(integerField(body!, 'epoch', 0, 0xffffffff) ?? 0);
  }

  #greeted(epoch: number): void {
    this.greetedEpoch = epoch;
    const channel = this.#channel!;
    this.#isGreeted = true;
    this.#attempts = 0;
    this.#isServing = true;
    this.#liveliness = 'alive';
    this.lastProblem = '';
    this.client = new LinkClient(channel.outbox, this.#context.hybridClock);
    this.#context.log.info('peer connected', { peer: this.name, address: this.address });
    this.#sendPing(this.#context.clock.monotonicMs());
    this.#context.onLinkUp(this);
  }

  #sendPing(nowMs: number): void {
    this.#pingSentAtMs = nowMs;
    const { hybridClock, clock } = this.#context;
    const flags = this.#context.replica.isServing ? 0 : FLAG_NOT_SERVING;
    writePing(this.outbox, 0, hybridClock.current(), this.#context.epoch(), clock.wallMs(), false, flags);
  }

  #onLivelinessChanged(): void {
    const isAlive = this.#liveliness === 'alive';
    if (!isAlive) this.#context.coordinator.onPeerDown(this);
    this.#context.log.info(isAlive ? 'peer answers again' : 'peer is silent', { peer: this.name });
  }

  #drop(error: KvError): void {
    const channel = this.#channel;
    this.#down(error.message);
    if (channel === undefined) return;
    channel.consumer = NOBODY;
    channel.connection.destroy();
  }

  #down(problem: string): void {
    const wasUp = this.#isGreeted;
    this.#channel = undefined;
    this.#isGreeted = false;
    this.isAccepted = false;
    this.client = undefined;
    this.#waitingSinceMs = this.#context.clock.monotonicMs();
    this.rttMs = -1;
    this.generation++;
    if (wasUp || this.lastProblem !== problem) {
      this.#context.log.info('peer is not connected', { peer: this.name, problem });
    }
    this.lastProblem = problem;
    if (wasUp) {
      this.#context.coordinator.onPeerDown(this);
      this.calls.failAll();
      this.#context.onLinkDown(this);
    }
    this.#scheduleDial();
  }

  #scheduleDial(): void {
    if (this.#isClosed || !this.isDialer || this.#redial !== undefined) return;
    const delay = reconnectDelayMs(this.#attempts++, this.#context.random.next());
    this.#redial = this.#context.clock.setTimer(delay, () => this.#dial());
  }
}

const NOBODY: FrameConsumer = { onFrame() {}, onClosed() {} };

/** Stands in for the channel until the dialled connection is open. */
class DialHandler {
  channel: FrameConnection | undefined;
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  onData(bytes: Uint8Array): void {
    this.channel?.onData(bytes);
  }

  onDrain(): void {
    this.channel?.onDrain();
  }

  onClose(error?: Error): void {
    if (this.channel === undefined) this.#link.onDialFailed(this, error);
    else this.channel.onClose(error);
  }
}
