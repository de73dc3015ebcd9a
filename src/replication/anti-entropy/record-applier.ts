/**
 * Takes over records that an exchange has brought, through the replica's one way of changing a key, a few per turn of the
 * event loop so that requests are not held up.
 */

import { readU64, viewOf } from '../../base/bytes.js';
import type { ErrorCode } from '../../base/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { KeyHasher } from '../../ring/hash.js';
import { slotOf } from '../../ring/slot.js';
import { keyOfEngineKey, slotOfEngineKey } from '../../storage/keyspace.js';
import type { HybridClock } from '../../version/hybrid-clock.js';
import { checkRecord, isRecordShape, RECORD_TIME_OFFSET } from '../../version/record.js';
import { KeyRef } from '../key-ref.js';
import type { Replica } from '../replica.js';
import { ReplicaClient } from '../replica-client.js';
import type { KeyedRecord } from './packed.js';

export interface RecordApplierOptions {
  readonly clock: Clock;
  readonly hasher: KeyHasher;
  readonly hybridClock: HybridClock;
  readonly replica: Replica;
}

/** Records applied in one turn. */
const RECORDS_PER_TURN = 32;

export class RecordApplier {
  readonly #options: RecordApplierOptions;
  readonly #key = new KeyRef();

  constructor(options: RecordApplierOptions) {
    this.#options = options;
  }

  /** Whether this is a sound record of this key, which lies in this slot. */
  isValid({ engineKey, record }: KeyedRecord): boolean {
    const { hasher } = this.#options;
    hasher.hash(keyOfEngineKey(engineKey));
    return (
      slotOf(hasher.hi) === slotOfEngineKey(engineKey) &&
      checkRecord(record, hasher.lo) &&
      isRecordShape(viewOf(record), 0, record.length)
    );
  }

  /**
   * Applies valid records.
   * @returns for each, once that is known of all, whether it or something higher is in the log.
   */
  async apply(records: readonly KeyedRecord[]): Promise<boolean[]> {
    const client = new Outcomes(records.length);
    for (const [i, keyed] of records.entries()) {
      if (i > 0 && i % RECORDS_PER_TURN === 0) {
        await new Promise<void>((resolve) => this.#options.clock.defer(resolve));
      }
      this.#applyOne(keyed, client, i);
    }
    return client.all;
  }

  #applyOne({ engineKey, record }: KeyedRecord, client: Outcomes, id: number): void {
    const { hasher, hybridClock, replica } = this.#options;
    const key = keyOfEngineKey(engineKey);
    const view = viewOf(record);
    hasher.hash(key);
    this.#key.set(key, 0, key.length, hasher.hi, hasher.lo);
    hybridClock.observe(readU64(view, RECORD_TIME_OFFSET));
    replica.apply(this.#key, record, view, 0, record.length, true, client, id);
  }
}

/** Counts the replica's answers to a number of records, of which each gets one. */
class Outcomes extends ReplicaClient {
  readonly all: Promise<boolean[]>;
  readonly #isInLog: boolean[];
  #left: number;
  #resolve: (outcomes: boolean[]) => void = () => {};

  constructor(records: number) {
    super();
    this.#left = records;
    this.#isInLog = new Array(records).fill(false);
    this.all = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (records === 0) this.#resolve([]);
  }

  override onApplied(id: number): void {
    this.#settle(id, true);
  }

  override onStale(id: number): void {
    this.#settle(id, true); // Something higher is there.
  }

  override onUnsure(id: number): void {
    this.#settle(id, true); // Answered once what is held is in the log; that it may not vote is no matter here.
  }

  override onRefused(id: number, _code: ErrorCode): void {
    this.#settle(id, false);
  }

  override onLost(id: number): void {
    this.#settle(id, false);
  }

  // Nothing is read through this client.
  override onSame(): void {}
  override onVersion(): void {}
  override onRecord(): void {}

  #settle(id: number, isInLog: boolean): void {
    this.#isInLog[id] = isInLog;
    if (--this.#left === 0) this.#resolve(this.#isInLog);
  }
}
