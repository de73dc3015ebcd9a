/**
 * Sends the hints for one target that has come back, once through, in the order of slots and keys.
 *
 * In rounds: ask for credit (HINTS_OFFER), send so many of the newest records (HINT), wait for the answers, pause. A hint
 * goes only when the target has said that it holds the record, or something higher, in its log, and the key was not
 * hinted again meanwhile. Whatever goes wrong ends the session and keeps what has not been answered; the drainer begins
 * another one.
 */
import { definite } from '../base/errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import { type Slot, slotOf } from '../ring/slot.js';
import type { HintedKey, HintStore, HintTarget } from '../storage/hint-store.js';
import { engineKey } from '../storage/keyspace.js';
import { COLD, COMMITTED, CORRUPT, MISSING, type RecordStore } from '../storage/record-store.js';
import { type Body, bytesField, integerField } from '../wire/body.js';
import { HINT, HINTS_OFFER } from '../wire/message-type.js';
import { HINT_DONE, HINT_RECORDS_MAX } from './hint-receiver.js';
import { KeyRef } from './key-ref.js';
import type { ReplicaPeer } from './peer.js';

/** Bytes of records in one message; a single record may be larger. */
const MESSAGE_BYTES_MAX = 256 * 1024;
/** Between two grants, so that draining never takes all of the holder's turns or the target's. */
const ROUND_PAUSE_MS = 5;
/** Until the target is asked again that has granted nothing. */
const NO_CREDIT_PAUSE_MS = 250;
/** Credit that is older is not used: the target forgets it soon (`hint-credit.ts`). */
const CREDIT_USED_MS = 2000;
const CALL_MS = 10_000;

/** The target, as far as it is needed. */
export interface HintPeer {
  readonly isLive: boolean;
  call(type: number, body: Body, timeoutMs: number): Promise<Body>;
}

export interface HintSessionOptions {
  readonly store: HintStore;
  readonly records: RecordStore;
  readonly clock: Clock;
  /** The present time of the hybrid clock. */
  readonly hybridTime: () => number;
  readonly epoch: () => number;
  readonly peer: (name: string) => HintPeer | undefined;
  readonly owners: (slot: Slot) => readonly ReplicaPeer[];
  /** A stored record is corrupt. Copy the key to keep it. */
  readonly onCorrupt: (key: KeyRef) => void;
}

interface Replay {
  readonly key: HintedKey;
  readonly entry: readonly [position: Uint8Array, record: Uint8Array];
}

export class HintSession {
  readonly target: HintTarget;
  readonly #name: string;
  readonly #options: HintSessionOptions;
  readonly #ref = new KeyRef();
  #credit = 0;
  #creditUntilMs = 0;
  #isEnded = false;
  #endWait: () => void = () => {};

  constructor(target: HintTarget, name: string, options: HintSessionOptions) {
    this.target = target;
    this.#name = name;
    this.#options = options;
  }

  /** Ends it soon: nothing more is sent, and nothing waited for. */
  end(): void {
    this.#isEnded = true;
    this.#endWait();
  }

  /** Resolves when every hint that was stored at the beginning has been tried. Rejects when the target or the storage fails. */
  async run(): Promise<void> {
    const iterator = this.#options.store.iterate(this.target);
    try {
      for (;;) {
        const entries = await iterator.next(HINT_RECORDS_MAX);
        if (entries.length === 0 || !this.#canGoOn()) return;
        const keys = entries.map(([stored]) => this.#options.store.parse(stored));
        await this.#sendAll(keys.filter((key) => key !== undefined));
      }
    } finally {
      this.#options.store.endSending(this.target);
      await iterator.close();
    }
  }

  #canGoOn(): boolean {
    const { store, peer } = this.#options;
    if (this.#isEnded || store.find(this.target.identity) !== this.target) return false;
    return this.target.hints > 0 && peer(this.#name)?.isLive === true;
  }

  async #sendAll(keys: HintedKey[]): Promise<void> {
    while (keys.length > 0 && this.#canGoOn()) {
      if (!(await this.#hasCredit())) continue;
      const replays = await this.#read(keys.splice(0, this.#credit));
      try {
        while (replays.length > 0) await this.#send(takeMessage(replays));
      } finally {
        // What was not sent after all keeps its hint.
        for (const { key } of replays) this.#options.store.end(this.target, key, false);
      }
    }
  }

  /** Whether hints may be sent now; asks for credit, or waits, where not. */
  async #hasCredit(): Promise<boolean> {
    const { clock, epoch } = this.#options;
    if (this.#credit > 0 && clock.monotonicMs() < this.#creditUntilMs) return true;
    if (this.#creditUntilMs > 0) await this.#pause(ROUND_PAUSE_MS);
    if (!this.#canGoOn()) return false;
    const answer = await this.#call(HINTS_OFFER, { epoch: epoch(), count: this.target.hints });
    this.#credit = integerField(answer, 'credit', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    this.#creditUntilMs = clock.monotonicMs() + CREDIT_USED_MS;
    if (this.#credit === 0) await this.#pause(NO_CREDIT_PAUSE_MS);
    return this.#credit > 0;
  }

  /** The newest records of these keys; hints that nothing can be sent for are dealt with. */
  async #read(keys: readonly HintedKey[]): Promise<Replay[]> {
    const { store, records } = this.#options;
    const begun = keys.filter((key) => store.begin(this.target, key.hashHi, key.hashLo) && this.#isOurs(key));
    const replays: Replay[] = [];
    const cold: HintedKey[] = [];
    for (const key of begun) {
      const state = records.findForRead(key.hashHi, key.hashLo, key.bytes, key.start, key.length);
      if (state === COLD) cold.push(key);
      else this.#onFound(state, key, replays);
    }
    if (cold.length === 0) return replays;
    await records.warm(cold.map(({ bytes, hashHi, hashLo }) => ({ key: bytes, hashHi, hashLo })));
    for (const key of cold) {
      this.#onFound(records.find(key.hashHi, key.hashLo, key.bytes, key.start, key.length), key, replays);
    }
    return replays;
  }

  /** Whether both are replicas of the key still. What this node no longer follows may be older than what was deleted since. */
  #isOurs(key: HintedKey): boolean {
    const { store, owners } = this.#options;
    const slot = slotOf(key.hashHi);
    const list = owners(slot);
    const isTarget = list.some(({ name, isSelf }) => !isSelf && name === this.#name);
    if (isTarget && list.some(({ isSelf }) => isSelf)) return true;
    if (isTarget) store.markUnsynced(this.target, slot);
    store.end(this.target, key, true);
    return false;
  }

  #onFound(state: number, key: HintedKey, replays: Replay[]): void {
    const { store, records } = this.#options;
    if (state === COMMITTED) {
      const record = records.bytes.slice(records.start, records.start + records.length);
      replays.push({ key, entry: [engineKey(slotOf(key.hashHi), key.bytes), record] });
      return;
    }
    // Nothing is held (its tombstone has been collected): there is nothing to send. What is corrupt is fetched from the
    // others, and what is queued comes to the log: both are sent later.
    if (state === CORRUPT) {
      this.#ref.set(key.bytes, key.start, key.length, key.hashHi, key.hashLo);
      this.#options.onCorrupt(this.#ref);
    }
    store.end(this.target, key, state === MISSING);
  }

  async #send(replays: readonly Replay[]): Promise<void> {
    const { epoch, hybridTime } = this.#options;
    const records = replays.map(({ entry }) => entry);
    this.#credit -= records.length;
    let answers: Uint8Array | undefined;
    try {
      const body = { epoch: epoch(), clock: hybridTime(), records };
      answers = bytesField(await this.#call(HINT, body), 'answers');
    } finally {
      for (const [i, { key }] of replays.entries()) this.#onAnswer(key, answers?.[i] === HINT_DONE);
    }
  }

  #onAnswer(key: HintedKey, isDone: boolean): void {
    if (isDone) this.target.replayed++;
    this.#options.store.end(this.target, key, isDone);
  }

  #call(type: number, body: Body): Promise<Body> {
    const peer = this.#options.peer(this.#name);
    if (peer === undefined) return Promise.reject(ended());
    return this.#wait((resolve, reject) => void peer.call(type, body, CALL_MS).then(resolve, reject));
  }

  async #pause(milliseconds: number): Promise<void> {
    const { clock } = this.#options;
    let timer: Timer | undefined;
    try {
      await this.#wait<void>((resolve) => {
        timer = clock.setTimer(milliseconds, resolve);
      });
    } finally {
      if (timer !== undefined) clock.clearTimer(timer);
    }
  }

  /** Waits, but not beyond `end`. */
  #wait<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isEnded) return reject(ended());
      this.#endWait = () => reject(ended());
      begin(resolve, reject);
    });
  }
}

/** Takes from the beginning what goes into one message. */
function takeMessage(replays: Replay[]): Replay[] {
  let bytes = 0;
  let count = 0;
  while (count < replays.length && (count === 0 || bytes < MESSAGE_BYTES_MAX)) {
    bytes += replays[count++]!.entry[1].length;
  }
  return replays.splice(0, count);
}

function ended(): Error {
  return definite('CLOSED', 'the session has ended');
}
