/** Moves the records that an exchange has found to differ: asks the peer for some, and sends it others. */
import type { KeyHasher } from '../../ring/hash.js';
import type { Slot } from '../../ring/slot.js';
import { keyOfEngineKey, slotOfEngineKey } from '../../storage/keyspace.js';
import type { RecordStore } from '../../storage/record-store.js';
import { checkRecord } from '../../version/record.js';
import { bytesField } from '../../wire/body.js';
import { RECORDS, RECORDS_PUSH } from '../../wire/message-type.js';
import type { RecordCheck } from '../scan-range.js';
import type { Conversation } from './conversation.js';
import { RECORDS_BYTES_MAX } from './limits.js';
import type { Pacer } from './pacer.js';
import { type KeyedRecord, keyedRecordBytes, packKeyedRecords, packKeys, unpackRecords } from './packed.js';
import type { RecordApplier } from './record-applier.js';

export interface RecordMoverPorts {
  readonly store: RecordStore;
  readonly hasher: KeyHasher;
  readonly isSound: RecordCheck;
  readonly applier: RecordApplier;
  readonly pacer: Pacer;
}

/** Keys asked for, or sent, in one message. */
const KEYS_TOGETHER = 256;
/** Records of ours that are read together: some of them may be large. */
const READ_TOGETHER = 16;

export class RecordMover {
  readonly #ports: RecordMoverPorts;
  readonly #conversation: Conversation;
  /** Slots with a record that did not get to its place. */
  readonly failed = new Set<Slot>();
  fetched = 0;
  sent = 0;

  constructor(ports: RecordMoverPorts, conversation: Conversation) {
    this.#ports = ports;
    this.#conversation = conversation;
  }

  /** Gets these keys' records, and waits until they, or higher ones, are in the log here. */
  async fetch(engineKeys: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < engineKeys.length; ) {
      const asked = engineKeys.slice(at, at + KEYS_TOGETHER);
      const answer = await this.#conversation.ask(RECORDS, { keys: packKeys(asked) });
      const records = unpackRecords(bytesField(answer, 'records'));
      if (records === undefined || records.length === 0 || records.length > asked.length) {
        throw this.#conversation.nonsense(RECORDS);
      }
      await this.#take(records.map((record, i) => ({ engineKey: asked[i]!, record })));
      at += records.length;
    }
  }

  /** Sends our records of these keys, and waits until the peer has them, or higher ones, in its log. */
  async send(engineKeys: readonly Uint8Array[]): Promise<void> {
    let batch: KeyedRecord[] = [];
    let bytes = 0;
    for (let at = 0; at < engineKeys.length; at += READ_TOGETHER) {
      const some = engineKeys.slice(at, at + READ_TOGETHER);
      const stored = await this.#ports.store.readStored(some);
      for (const [i, engineKey] of some.entries()) {
        const record = stored[i];
        if (record === undefined) continue; // Its tombstone was collected a moment ago.
        const keyed = { engineKey, record };
        if (!this.#isSound(keyed)) continue;
        const size = keyedRecordBytes(keyed);
        if (batch.length > 0 && (bytes + size > RECORDS_BYTES_MAX || batch.length >= KEYS_TOGETHER)) {
          await this.#push(batch);
          batch = [];
          bytes = 0;
        }
        batch.push(keyed);
        bytes += size;
      }
    }
    if (batch.length > 0) await this.#push(batch);
  }

  async #take(records: readonly KeyedRecord[]): Promise<void> {
    const { applier, pacer } = this.#ports;
    // One without bytes is gone there by now, or corrupt. That it is gone says nothing that we could rely on.
    const valid = records.filter((each) =>
      this.#require(each, each.record.length > 0 && applier.isValid(each)),
    );
    const outcomes = await applier.apply(valid);
    for (const [i, each] of valid.entries()) if (this.#require(each, outcomes[i]!)) this.fetched++;
    await pacer.pay(valid.length, sizeOf(valid));
  }

  async #push(records: readonly KeyedRecord[]): Promise<void> {
    const answer = await this.#conversation.ask(RECORDS_PUSH, { records: packKeyedRecords(records) });
    const logged = bytesField(answer, 'logged');
    if (logged?.length !== records.length) throw this.#conversation.nonsense(RECORDS_PUSH);
    for (const [i, each] of records.entries()) if (this.#require(each, logged[i] === 1)) this.sent++;
    await this.#ports.pacer.pay(records.length, sizeOf(records));
  }

  #isSound({ engineKey, record }: KeyedRecord): boolean {
    const { hasher, isSound } = this.#ports;
    hasher.hash(keyOfEngineKey(engineKey));
    if (checkRecord(record, hasher.lo)) return true;
    isSound(engineKey, record); // It says so to whoever repairs it.
    this.failed.add(slotOfEngineKey(engineKey));
    return false;
  }

  /** Notes the slot of a record for which something did not hold. */
  #require({ engineKey }: KeyedRecord, holds: boolean): boolean {
    if (!holds) this.failed.add(slotOfEngineKey(engineKey));
    return holds;
  }
}

function sizeOf(records: readonly KeyedRecord[]): number {
  return records.reduce((sum, each) => sum + keyedRecordBytes(each), 0);
}
