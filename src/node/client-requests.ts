/**
 * What a node answers to clients beside reading and writing keys: HELLO, SCAN, RING, OWNERS, STATUS, REPAIR and LOG_LEVEL,
 * and JOIN from a node that is no member yet. A HELLO of a peer turns the connection into a link.
 */
import { definite, KvError, messageOf } from '../base/errors.js';
import { FRAME_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../base/limits.js';
import type { ClientSession } from '../gateway/client-session.js';
import { REPLICAS_MAX } from '../membership/cluster-config.js';
import { LOG_LEVELS, type Log } from '../ports/log.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { SLOT_BYTES } from '../storage/keyspace.js';
import { type Body, bytesField, decodeBody, integerField, writeBody } from '../wire/body.js';
import { writeError } from '../wire/error-message.js';
import type { Frame } from '../wire/frame.js';
import {
  HELLO,
  JOIN,
  LOG_LEVEL,
  OWNERS,
  PROTOCOL_VERSION,
  REPAIR,
  RESULT,
  RING,
  SCAN,
  STATUS,
  typeName,
  WELCOME,
} from '../wire/message-type.js';
import { type ClusterReads, notAMember } from './cluster-reads.js';
import type { NodeOptions } from './options.js';
import type { Repairs } from './repairs.js';
import type { Running } from './running.js';

export interface ClientRequestsOptions {
  readonly options: NodeOptions;
  readonly log: Log;
  readonly running: Running;
  readonly reads: ClusterReads;
  readonly repairs: Repairs;
  readonly status: () => Body;
  /** A member of another cluster takes this node for one of its own; this is the address of that member. */
  readonly onCalledHome: (seed: string) => void;
}

const SCAN_LIMIT_DEFAULT = 500;
const SCAN_LIMIT_MAX = 10_000;
/** The engine key after the longest one. */
const CURSOR_BYTES_MAX = SLOT_BYTES + KEY_BYTES_MAX + 1;

export class ClientRequests {
  readonly #options: ClientRequestsOptions;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
  }

  onFrame(session: ClientSession, frame: Frame): void {
    if (frame.type === HELLO) return this.#onHello(session, frame);
    const answer = this.#answerTo(frame);
    if (answer === undefined) {
      return session.refuse(frame, 'UNKNOWN_TYPE', `this node does not know ${typeName(frame.type)}`);
    }
    const { id } = frame;
    const { outbox } = session.channel;
    session.began();
    const written = answer.then(
      (result) => writeBody(outbox, RESULT, id, result),
      (error: unknown) => {
        const known = error instanceof KvError ? error : definite('INTERNAL', messageOf(error), error);
        writeError(outbox, id, known.code, known.message, known.definite);
      },
    );
    void written.finally(() => session.ended());
  }

  #answerTo(frame: Frame): Promise<Body> | undefined {
    switch (frame.type) {
      case SCAN:
        return this.#withBody(frame, (body) => this.#scan(body));
      case RING:
        return this.#ring();
      case OWNERS:
        return this.#owners(frame);
      case STATUS:
        return Promise.resolve(this.#options.status());
      case REPAIR:
        return this.#withBody(frame, (body) => this.#repair(body));
      case LOG_LEVEL:
        return this.#withBody(frame, (body) => this.#logLevel(body));
      case JOIN:
        return this.#withBody(frame, (body) => this.#options.running.admission.onJoin(body));
      default:
        return undefined;
    }
  }

  #withBody(frame: Frame, answer: (body: Body) => Promise<Body>): Promise<Body> {
    const body = decodeBody(frame.body());
    if (body === undefined)
      return Promise.reject(definite('BAD_REQUEST', `a malformed ${typeName(frame.type)}`));
    return answer(body);
  }

  #onHello(session: ClientSession, frame: Frame): void {
    const body = decodeBody(frame.body());
    if (body === undefined) return session.refuse(frame, 'BAD_REQUEST', 'a malformed HELLO');
    if (integerField(body, 'protocol', 1, 255) !== PROTOCOL_VERSION) {
      return session.refuse(frame, 'PROTOCOL', `this node speaks protocol ${PROTOCOL_VERSION}`);
    }
    if (body.role !== 'peer') return writeBody(session.channel.outbox, WELCOME, frame.id, this.#welcome());
    this.#onPeer(session, frame, body);
  }

  #onPeer(session: ClientSession, frame: Frame, hello: Body): void {
    const { calls, peers } = this.#options.running;
    const member = calls.findMember(hello);
    const link = typeof member === 'string' ? undefined : peers.get(member.name);
    if (link === undefined) {
      const home = calls.homeOf(this.#options.options.name, hello);
      if (home !== undefined) this.#options.onCalledHome(home);
      const reason = typeof member === 'string' ? member : 'that is this node itself';
      return session.channel.refuse(frame.id, definite('NOT_A_MEMBER', reason));
    }
    writeBody(session.channel.outbox, WELCOME, frame.id, this.#welcome());
    link.accept(session.channel, integerField(hello, 'epoch', 0, 0xffffffff) ?? 0);
  }

  #welcome(): Body {
    const { options, running } = this.#options;
    const { config, identity } = running.state;
    return {
      protocol: PROTOCOL_VERSION,
      software: options.software,
      node: options.name,
      identity: identity.id,
      clusterId: config?.clusterId ?? '',
      epoch: running.admission.announcedEpoch,
      features: [],
      limits: { keyBytesMax: KEY_BYTES_MAX, valueBytesMax: VALUE_BYTES_MAX, frameBytesMax: FRAME_BYTES_MAX },
    };
  }

  async #ring(): Promise<Body> {
    const { running, options } = this.#options;
    const { config } = running.state;
    if (config === undefined) throw notAMember();
    const live = config.members
      .map(({ name }) => name)
      .filter((name) => this.#options.reads.peer(name).isLive);
    return { ...config, live, self: options.name };
  }

  async #owners(frame: Frame): Promise<Body> {
    if (frame.keyLength === 0) throw definite('BAD_REQUEST', 'OWNERS is asked of a key');
    return this.#options.reads.owners(frame.key());
  }

  async #scan(body: Body): Promise<Body> {
    const cursor = bytesField(body, 'cursor');
    const limit = integerField(body, 'limit', 1, SCAN_LIMIT_MAX) ?? SCAN_LIMIT_DEFAULT;
    const r = integerField(body, 'r', 0, REPLICAS_MAX);
    if (cursor !== undefined && (cursor.length < 2 || cursor.length > CURSOR_BYTES_MAX))
      throw definite('BAD_REQUEST', 'the cursor is not one of ours');
    if (body.r !== undefined && r === undefined) throw definite('BAD_REQUEST', `r is 0 to ${REPLICAS_MAX}`);
    const prefix = bytesField(body, 'prefix') ?? new Uint8Array(0);
    if (prefix.length > KEY_BYTES_MAX)
      throw definite('TOO_LARGE', `a prefix has at most ${KEY_BYTES_MAX} bytes`);
    const values = body.values === true;
    const page = await this.#options.reads.scan({ cursor, prefix, limit, values, r: r ?? 0 });
    const entries = page.entries.map((e) => (values ? [e.key, e.expiryMs, e.value] : [e.key, e.expiryMs]));
    return { cursor: page.cursor ?? null, entries };
  }

  async #repair(body: Body): Promise<Body> {
    const slot = integerField(body, 'slot', 0, SLOT_COUNT - 1);
    if (body.slot !== undefined && slot === undefined)
      throw definite('BAD_REQUEST', `a slot is 0 to ${SLOT_COUNT - 1}`);
    if (this.#options.running.state.config === undefined) throw notAMember();
    return this.#options.repairs.repair(slot);
  }

  /** Shows the level of this node's log, after setting it when one is given. */
  async #logLevel(body: Body): Promise<Body> {
    const { log } = this.#options;
    if (body.level === undefined) return { level: log.level };
    const level = LOG_LEVELS.find((known) => known === body.level);
    if (level === undefined) throw definite('BAD_REQUEST', `a log level is one of ${LOG_LEVELS.join(', ')}`);
    const before = log.level;
    // Told while the more talkative of the two holds, so that the line is there.
    const isQuieter = LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(before);
    if (isQuieter) log.warn('the log level changes', { from: before, to: level });
    log.level = level;
    if (level !== before && !isQuieter) log.warn('the log level changes', { from: before, to: level });
    return { level };
  }
}
