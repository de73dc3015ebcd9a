/**
 * One connection that speaks the Redis protocol: finds each request's command, runs it when its turn has come, and sees to
 * the order of the replies.
 *
 * Commands of a pipeline run beside each other as long as nobody can tell: on different keys, or only reading. A command that
 * must wait stays in the parser, which hands it out again; so do all when the client asks for more than it reads
 * ({@link UNREAD_BYTES_MAX}), and then its socket is not read either.
 */
import { KEY_BYTES_MAX, keyLengthError } from '../../base/limits.js';
import type { Connection, ConnectionHandler } from '../../ports/network.js';
import { type Flusher, Outbox } from '../../wire/outbox.js';
import { looksLikeHttp } from '../../wire/resp/http.js';
import { REQUEST_LIMITS } from '../../wire/resp/limits.js';
import { ReplyWriter } from '../../wire/resp/reply-writer.js';
import { type RequestArguments, type RequestHandler, RequestParser } from '../../wire/resp/request-parser.js';
import { shownAt } from './arguments.js';
import { Call } from './call.js';
import { type Command, hasOneKey, takesArguments } from './command.js';
import { errorTextOf, wrongArguments } from './errors.js';
import type { RedisHost } from './host.js';
import { ReplyOrder } from './reply-order.js';

const UNREAD_BYTES_MAX = 4 * 1024 * 1024;
/** Looks in a row, ten seconds apart, at which nothing has moved: a request that is never finished, replies that are never read. */
const STUCK_LOOKS = 6;
const CALLS_KEPT = 32;

/** What CLIENT REPLY has chosen: `skip` is for the next command only. */
export type ReplyMode = 'on' | 'off' | 'skip';

export class RedisSession implements ConnectionHandler, RequestHandler {
  readonly host: RedisHost;
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly id: number;
  readonly connectedMs: number;
  /** R and W of its commands; 0: the cluster's default. */
  r = 0;
  w = 0;
  protocol: 2 | 3 = 2;
  name = '';
  libraryName = '';
  libraryVersion = '';
  isNoEvict = false;
  isNoTouch = false;
  replyMode: ReplyMode = 'on';
  lastCommand = 'NULL';
  lastCommandMs: number;
  /** Called when the connection has ended. */
  onEnded: () => void = () => {};
  readonly #parser = new RequestParser(this, REQUEST_LIMITS);
  readonly #order: ReplyOrder;
  readonly #reply = new ReplyWriter();
  readonly #spare: Call[] = [];
  readonly #onGone = (call: Call) => {
    if (this.#spare.length < CALLS_KEPT) this.#spare.push(call);
  };
  #alone: Call | undefined;
  #isClosing = false;
  #isWaiting = false;
  #isSocketPaused = false;
  #isLooking = false;
  #moved = 0;
  #stuckLooks = 0;

  constructor(connection: Connection, flusher: Flusher, host: RedisHost) {
    this.host = host;
    this.connection = connection;
    this.outbox = new Outbox(connection, flusher);
    this.#order = new ReplyOrder(this.outbox);
    this.connectedMs = host.clock.monotonicMs();
    this.lastCommandMs = this.connectedMs;
    this.id = host.clients.add(this);
  }

  /** Bytes of requests that have not run. */
  get pendingBytes(): number {
    return this.#parser.pendingBytes + this.#parser.heldBytes;
  }

  get unreadBytes(): number {
    return this.outbox.pendingBytes + this.#order.heldBytes;
  }

  onData(bytes: Uint8Array): void {
    if (this.#isClosing) return;
    this.#moved++;
    this.host.statistics.inputBytes += bytes.length;
    this.#parser.push(bytes);
    // What has come stays with the parser; what is still to come stays with the network.
    if (this.#isWaiting && !this.#isSocketPaused) {
      this.#isSocketPaused = true;
      this.connection.pause();
    }
  }

  onDrain(): void {
    this.#moved++;
    this.#goOn();
  }

  onClose(): void {
    this.#isClosing = true;
    this.#parser.stop();
    this.outbox.close();
    this.host.clients.remove(this.id);
    this.onEnded();
  }

  onRequest(args: RequestArguments): boolean {
    if (this.#isClosing) return true;
    if (args.isInline && looksLikeHttp(args)) {
      this.host.log.warn('an HTTP request on the port of the database: closed', {
        from: this.connection.remote,
      });
      this.#isClosing = true;
      this.connection.destroy();
      return true;
    }
    if (this.#alone !== undefined || this.#isFull()) return this.#wait();
    const { commands } = this.host;
    const container = commands.find(args.bytes, args.start(0), args.length(0));
    if (container === undefined) return this.#refuse(unknownCommand(args));
    const subcommands = commands.subcommandsOf(container);
    if (subcommands === undefined || args.count < 2) return this.#run(container, container.name, args);
    const command = subcommands.find(args.bytes, args.start(1), args.length(1));
    if (command === undefined) return this.#refuse(unknownSubcommand(container, args), container.name);
    return this.#run(command, `${container.name}|${command.name}`, args);
  }

  onProtocolError(message: string): void {
    this.#refuse(`ERR ${message}`);
    this.closeAfterReplies();
  }

  beginReply(call: Call): ReplyWriter {
    this.#reply.sink = this.#order.begin(call);
    this.#reply.protocol = this.protocol;
    return this.#reply;
  }

  endReply(call: Call, failed: boolean): void {
    if (call.command !== undefined) this.#count(call, call.command, failed);
    if (this.#alone === call) this.#alone = undefined;
    this.#order.end(call, this.#onGone);
    if (this.#isClosing && this.#order.count === 0) this.#endConnection();
    else if (this.#isWaiting) this.#goOn();
  }

  /** Takes no further requests, and ends the connection when those under way are answered. */
  closeAfterReplies(): void {
    this.#isClosing = true;
    this.#parser.stop();
    if (this.#order.count === 0) this.#endConnection();
  }

  /** As CLIENT KILL does. */
  kill(): void {
    this.#isClosing = true;
    this.#parser.stop();
    this.outbox.close();
    this.connection.destroy();
  }

  /** As RESET does. */
  reset(): void {
    this.r = 0;
    this.w = 0;
    this.protocol = 2;
    this.name = '';
    this.replyMode = 'on';
    this.isNoEvict = false;
    this.isNoTouch = false;
  }

  /** Called every ten seconds: ends a connection on which nothing moves although something should. */
  lookForStuck(): void {
    const isOwing = this.#parser.pendingBytes > 0 && !this.#isWaiting;
    const isUnread = this.outbox.pendingBytes > 0 && this.#order.running === 0;
    this.#stuckLooks = this.#moved === 0 && (isOwing || isUnread) ? this.#stuckLooks + 1 : 0;
    this.#moved = 0;
    if (this.#stuckLooks < STUCK_LOOKS) return;
    const reason = isUnread ? 'its replies are not read' : 'its request is never finished';
    this.host.log.warn('a Redis client was disconnected', { from: this.connection.remote, reason });
    this.kill();
  }

  #run(command: Command, name: string, args: RequestArguments): boolean {
    if (!takesArguments(command, args.count)) {
      this.host.statistics.onCommand(name, 0, 'rejected');
      return this.#refuse(wrongArguments(name));
    }
    if (command.order === 'keys' && hasOneKey(command, args.count))
      return this.#runOnKey(command, name, args);
    const isAlone = command.order !== 'immediate';
    if (isAlone && this.#order.running > 0) return this.#wait();
    const call = this.#begin(command, name);
    if (isAlone) this.#alone = call;
    command.begin(call, args);
    return true;
  }

  #runOnKey(command: Command, name: string, args: RequestArguments): boolean {
    const place = command.keys!.first;
    const start = args.start(place);
    const length = args.length(place);
    if (length === 0 || length > KEY_BYTES_MAX)
      return this.#refuse(errorTextOf(keyLengthError(length), this.host.log));
    const { hasher } = this.host;
    hasher.hash(args.view(place));
    const { hi, lo } = hasher;
    const isWrite = command.flags.includes('write');
    if (this.#order.conflicts(hi, lo, isWrite)) return this.#wait();
    const call = this.#begin(command, name);
    call.takeKey(args.bytes, start, length, hi, lo);
    call.isWrite = isWrite;
    command.begin(call, args);
    return true;
  }

  #begin(command: Command | undefined, name: string): Call {
    const call = this.#spare.pop() ?? new Call(this);
    call.command = command;
    call.commandName = name;
    call.hasKey = false;
    call.isDone = false;
    call.startMs = this.host.clock.monotonicMs();
    call.isSilent = this.replyMode !== 'on';
    if (this.replyMode === 'skip') this.replyMode = 'on';
    if (name !== '') this.lastCommand = name;
    this.lastCommandMs = call.startMs;
    this.#order.push(call);
    return call;
  }

  #count(call: Call, { flags }: Command, failed: boolean): void {
    const { clock, statistics, slowLog, latency } = this.host;
    const elapsedMs = clock.monotonicMs() - call.startMs;
    statistics.onCommand(call.commandName, elapsedMs, failed ? 'failed' : 'done');
    if (slowLog.wants(elapsedMs)) {
      slowLog.add({
        command: call.commandName,
        key: call.notedKey,
        elapsedMs,
        wallMs: clock.wallMs(),
        address: this.connection.remote,
        clientName: this.name,
      });
    }
    if (latency.wants(elapsedMs)) {
      latency.add(flags.includes('fast') ? 'fast-command' : 'command', elapsedMs, clock.wallMs());
    }
  }

  /** Answers with an error, in its turn, what cannot begin. */
  #refuse(text: string, name = ''): boolean {
    if (this.#order.isFull) return this.#wait();
    const call = this.#begin(undefined, '');
    if (name !== '') this.host.statistics.onCommand(name, 0, 'rejected');
    call.fail(text);
    return true;
  }

  #isFull(): boolean {
    if (this.#order.isFull || this.unreadBytes >= UNREAD_BYTES_MAX) return true;
    // With nothing of its own under way nobody would wake it: it asks, and is told BUSY.
    return this.#order.running > 0 && this.host.coordinator.isFull;
  }

  #wait(): boolean {
    this.#isWaiting = true;
    if (this.#order.running === 0) this.#lookAgain();
    return false;
  }

  #goOn(): void {
    if (!this.#isWaiting || this.#isClosing) return;
    if (this.#order.running === 0 && this.unreadBytes > UNREAD_BYTES_MAX / 2) return this.#lookAgain();
    this.#isWaiting = false;
    this.#parser.resume();
    if (this.#isWaiting || !this.#isSocketPaused) return;
    this.#isSocketPaused = false;
    this.connection.resume();
  }

  /** With nothing under way, only what leaves can wake it: the network says so when it had to hold something back. */
  #lookAgain(): void {
    if (this.connection.bufferedBytes > 0 || this.#isLooking || !this.outbox.isOpen) return;
    this.#isLooking = true;
    this.host.clock.defer(() => {
      this.#isLooking = false;
      this.#goOn();
    });
  }

  #endConnection(): void {
    this.outbox.flush();
    this.connection.end();
    this.outbox.close();
  }
}

const ARGUMENTS_SHOWN_BYTES = 128;

/** As Redis says it: the name, and the beginnings of the arguments. */
function unknownCommand(args: RequestArguments): string {
  let shown = '';
  for (let i = 1; i < args.count && shown.length < ARGUMENTS_SHOWN_BYTES; i++) {
    shown += `'${shownAt(args, i).slice(0, ARGUMENTS_SHOWN_BYTES - shown.length)}' `;
  }
  const name = shownAt(args, 0).slice(0, ARGUMENTS_SHOWN_BYTES);
  return `ERR unknown command '${name}', with args beginning with: ${shown}`;
}

function unknownSubcommand(container: Command, args: RequestArguments): string {
  const name = shownAt(args, 1).slice(0, ARGUMENTS_SHOWN_BYTES);
  return `ERR unknown subcommand '${name}'. Try ${container.name.toUpperCase()} HELP.`;
}
