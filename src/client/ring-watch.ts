/**
 * Keeps the ring up to date: asks any node for it about every ten seconds of use, and sooner after a hint that it has
 * changed. No timer: an idle client asks nobody. A ring that is out of date costs a hop, never a wrong answer, because
 * every node coordinates for every key.
 */
import type { Clock } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import { RING } from '../wire/message-type.js';
import type { Dispatcher, RingObserver } from './dispatcher.js';
import type { NodePool } from './node-pool.js';
import { bodyRequest } from './operations.js';
import type { OperationOptions } from './options.js';
import { type RingAnswer, readRing } from './views.js';

const REFRESH_MS = 10_000;
/** Hints come in swarms; this is the least time between two questions. */
const REFRESH_MS_MIN = 250;

export class RingWatch implements RingObserver {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeoutMs: number;
  #dispatcher!: Dispatcher;
  #pool!: NodePool;
  #dueMs = Number.POSITIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(clock: Clock, random: Random, timeoutMs: number) {
    this.#clock = clock;
    this.#random = random;
    this.#timeoutMs = timeoutMs;
  }

  /** Completes the construction. */
  attach(dispatcher: Dispatcher, pool: NodePool): void {
    this.#dispatcher = dispatcher;
    this.#pool = pool;
  }

  /** Asks a node for the ring now. Rejects like any operation. */
  async ask(options: OperationOptions = {}, isBackground = false): Promise<RingAnswer> {
    const request = bodyRequest({ type: RING, body: {}, readReply: readRing }, options, this.#timeoutMs);
    request.background = isBackground;
    this.#askedMs = this.#clock.monotonicMs();
    const answer = (await this.#dispatcher.run(request)) as RingAnswer;
    this.#pool.adopt(answer.config, answer.live);
    this.#dueMs = this.#clock.monotonicMs() + REFRESH_MS * (0.75 + this.#random.next() / 2);
    return answer;
  }

  onUse(nowMs: number): void {
    if (nowMs >= this.#dueMs && !this.#isAsking) this.#refresh();
  }

  onRingInDoubt(nowMs: number, inUse: boolean): void {
    // Before the first answer there is no ring to doubt.
    if (this.#pool.config === undefined) return;
    this.#dueMs = Math.min(this.#dueMs, Math.max(nowMs, this.#askedMs + REFRESH_MS_MIN));
    if (inUse) this.onUse(nowMs);
  }

  #refresh(): void {
    this.#isAsking = true;
    // When nobody answers, the operations under way report it, and the next use asks again.
    this.#dueMs = this.#clock.monotonicMs() + REFRESH_MS_MIN;
    const done = () => {
      this.#isAsking = false;
    };
    this.ask({}, true).then(done, done);
  }
}
