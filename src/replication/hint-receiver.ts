/**
 * The target's side of hinted handoff: grants credit to the holders (`hint-credit.ts`), and applies the records that
 * they send. It answers for each record whether it is needed no longer: the replica has it, or something higher, in its log.
 */
import { viewOf } from '../base/bytes.js';
import { definite, type KvError } from '../base/errors.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import type { KeyHasher } from '../ring/hash.js';
import { slotOf } from '../ring/slot.js';
import { keyOfEngineKey, SLOT_BYTES, slotOfEngineKey } from '../storage/keyspace.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import { checkRecord, isRecordShape } from '../version/record.js';
import { VERSION_TIME_MAX } from '../version/version.js';
import { arrayField, type Body, integerField, requireEpoch } from '../wire/body.js';
import type { HintCredit } from './hint-credit.js';
import { KeyRef } from './key-ref.js';
import type { Replica } from './replica.js';
import { ReplicaClient } from './replica-client.js';

/** In the answer to HINT, one byte for each record. */
export const HINT_KEPT = 0;
export const HINT_DONE = 1;

/** Most records of one HINT. */
export const HINT_RECORDS_MAX = 256;
const COUNT_MAX = 0xffffffff;

export interface HintReceiverOptions {
  readonly credit: HintCredit;
  readonly replica: Replica;
  readonly hybridClock: HybridClock;
  readonly hasher: KeyHasher;
  readonly epoch: () => number;
}

export class HintReceiver {
  readonly #options: HintReceiverOptions;
  readonly #key = new KeyRef();

  constructor(options: HintReceiverOptions) {
    this.#options = options;
  }

  /** HINTS_OFFER. @throws KvError for a malformed one, or one of another epoch. */
  onOffer(holder: string, body: Body): Body {
    requireEpoch(body, this.#options.epoch());
    const count = integerField(body, 'count', 1, COUNT_MAX);
    if (count === undefined) throw malformed('HINTS_OFFER');
    return { credit: this.#options.credit.grant(holder, count) };
  }

  /** HINT. Resolves when every record has been decided about. Rejects like {@link onOffer}, or with BUSY. */
  async onHint(holder: string, body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const clock = integerField(body, 'clock', 0, VERSION_TIME_MAX);
    const records = arrayField(body, 'records');
    if (clock === undefined || records === undefined || records.length > HINT_RECORDS_MAX)
      throw malformed('HINT');
    if (!this.#options.credit.use(holder, records.length)) {
      throw definite('BUSY', 'more hints than were granted; ask for credit');
    }
    this.#options.hybridClock.observe(clock);
    const answers = new Answers(records.length);
    for (let i = 0; i < records.length; i++) this.#apply(records[i], answers, i);
    return { answers: await answers.complete };
  }

  #apply(entry: unknown, answers: Answers, index: number): void {
    const { hasher, replica } = this.#options;
    const [position, record] = Array.isArray(entry) ? entry : [];
    if (!(position instanceof Uint8Array) || !(record instanceof Uint8Array)) return answers.onLost(index);
    const key = keyOfEngineKey(position);
    if (key.length === 0 || key.length > KEY_BYTES_MAX) return answers.onLost(index);
    hasher.hash(key);
    const { hi, lo } = hasher;
    const view = viewOf(record);
    // A record that does not check is the sender's to look at: it keeps the hint.
    const isSound = position.length > SLOT_BYTES && slotOfEngineKey(position) === slotOf(hi);
    if (!isSound || !isRecordShape(view, 0, record.length) || !checkRecord(record, lo))
      return answers.onLost(index);
    this.#key.set(key, 0, key.length, hi, lo);
    replica.apply(this.#key, record, view, 0, record.length, true, answers, index);
  }
}

/** Collects the replica's answers to the records of one message. Their ids are their places. */
class Answers extends ReplicaClient {
  readonly #answers: Uint8Array;
  #open: number;
  readonly complete: Promise<Uint8Array>;
  #resolve: (answers: Uint8Array) => void = () => {};

  constructor(count: number) {
    super();
    this.#answers = new Uint8Array(count).fill(HINT_KEPT);
    this.#open = count;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (count === 0) this.#resolve(this.#answers);
  }

  override onApplied(id: number): void {
    this.#answer(id, HINT_DONE);
  }

  override onStale(id: number): void {
    this.#answer(id, HINT_DONE);
  }

  override onUnsure(id: number): void {
    // It holds something higher, in its log.
    this.#answer(id, HINT_DONE);
  }

  override onRefused(id: number): void {
    this.#answer(id, HINT_KEPT);
  }

  override onLost(id: number): void {
    this.#answer(id, HINT_KEPT);
  }

  override onSame(id: number): void {
    this.#answer(id, HINT_KEPT);
  }

  override onVersion(id: number): void {
    this.#answer(id, HINT_KEPT);
  }

  override onRecord(id: number): void {
    this.#answer(id, HINT_KEPT);
  }

  #answer(id: number, answer: number): void {
    this.#answers[id] = answer;
    if (--this.#open === 0) this.#resolve(this.#answers);
  }
}

function malformed(name: string): KvError {
  return definite('BAD_REQUEST', `a malformed ${name}`);
}
