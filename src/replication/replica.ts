/**
 * The replica's side: reading a key's record, and `apply`, the one way to change it (DESIGN §3, the replica rule).
 *
 * `apply` accepts a record only if its version is higher than the one held, comparing with what is queued too. Answers
 * speak only of what is in the log: each waits for the batch that its statement rests on. The promises of conditional
 * writes will join the comparison.
 *
 * Refused: everything while the storage has failed, writes while the configuration changes, and any word on a key
 * whose stored record is corrupt.
 */
import { readU64, u32At, u64At } from '../base/bytes.js';
import type { Clock } from '../ports/clock.js';
import type { CommitListener, GroupCommitter } from '../storage/group-committer.js';
import { COLD, CORRUPT, type FindState, MISSING, QUEUED, type RecordStore } from '../storage/record-store.js';
import {
  FLAG_TOMBSTONE,
  isExpired,
  RECORD_FLAGS_OFFSET,
  RECORD_NODE_OFFSET,
  RECORD_TIME_OFFSET,
} from '../version/record.js';
import { compareVersions, EXPIRED_BIT } from '../version/version.js';
import { ColdReads } from './cold-reads.js';
import type { KeyRef } from './key-ref.js';
import type { ReplicaClient } from './replica-client.js';
import type { WrittenBack } from './written-back.js';

export interface ReplicaOptions {
  readonly clock: Clock;
  readonly store: RecordStore;
  readonly committer: GroupCommitter;
  readonly writtenBack: WrittenBack;
  /** Called with a key whose stored record is corrupt, so that it is fetched from the peers. Copy the key to keep it. */
  readonly onCorrupt: (key: KeyRef) => void;
}

const STORAGE_MESSAGE = 'the storage of this replica has failed; it takes no part until it is open again';
const CORRUPT_MESSAGE = 'the stored record of this replica fails its checksum';

/** An answer that waits for the log. */
type PendingAnswer = (client: ReplicaClient, id: number) => void;
interface Pending {
  readonly client: ReplicaClient;
  readonly id: number;
  readonly answer: PendingAnswer;
}

export class Replica implements CommitListener {
  readonly #clock: Clock;
  readonly #store: RecordStore;
  readonly #coldReads: ColdReads;
  readonly #committer: GroupCommitter;
  readonly #writtenBack: WrittenBack;
  readonly #onCorrupt: ReplicaOptions['onCorrupt'];
  /** The rarer answers that wait for a commit, by ticket; plain acknowledgements wait without an object. */
  readonly #pending = new Map<number, Pending>();
  #nextTicket = 1;
  // The version that is held, as the last look-up found it.
  #heldTime = 0;
  #heldNode = 0;
  /** While a member is being admitted: why writes are refused. */
  frozenBecause: string | undefined;

  constructor(options: ReplicaOptions) {
    this.#clock = options.clock;
    this.#store = options.store;
    this.#coldReads = new ColdReads(options.clock, options.store);
    this.#committer = options.committer;
    this.#writtenBack = options.writtenBack;
    this.#onCorrupt = options.onCorrupt;
  }

  /** False while the storage has failed. */
  get isServing(): boolean {
    return !this.#committer.isFailed;
  }

  /** Answers with the record, or only its version when the reader has the same, a newer one, or wants no more. */
  read(
    key: KeyRef,
    haveTime: number,
    haveNode: number,
    versionOnly: boolean,
    client: ReplicaClient,
    id: number,
  ): void {
    if (this.#committer.isFailed) return client.onRefused(id, 'STORAGE_FAILED', STORAGE_MESSAGE);
    const store = this.#store;
    const state = store.findForRead(key.hashHi, key.hashLo, key.bytes, key.start, key.length);
    if (state !== COLD) return this.#answerRead(state, key, haveTime, haveNode, versionOnly, client, id);
    this.#coldReads.add(key, (warmed) => {
      if (this.#committer.isFailed) return client.onRefused(id, 'STORAGE_FAILED', STORAGE_MESSAGE);
      this.#answerRead(this.#find(warmed), warmed, haveTime, haveNode, versionOnly, client, id);
    });
  }

  #answerRead(
    state: FindState,
    key: KeyRef,
    haveTime: number,
    haveNode: number,
    versionOnly: boolean,
    client: ReplicaClient,
    id: number,
  ): void {
    if (state === CORRUPT) return this.#refuseCorrupt(key, client, id);
    this.#hold(state);
    const order = compareVersions(this.#heldTime, this.#heldNode, haveTime, haveNode);
    if (state === QUEUED) return this.#answerQueued(order, versionOnly, client, id);
    if (order === 0) client.onSame(id);
    else if (order < 0 || versionOnly) client.onVersion(id, this.#heldTime, this.#heldNode);
    else client.onRecord(id, this.#store.bytes, this.#store.start, this.#store.length);
  }

  /**
   * Takes over a record if its version is higher than what is held.
   * @param repair whether anyone but the coordinator of the write itself brings it.
   */
  apply(
    key: KeyRef,
    record: Uint8Array,
    view: DataView,
    start: number,
    length: number,
    repair: boolean,
    client: ReplicaClient,
    id: number,
  ): void {
    if (this.#committer.isFailed) return client.onRefused(id, 'STORAGE_FAILED', STORAGE_MESSAGE);
    if (this.frozenBecause !== undefined) return client.onRefused(id, 'CONFIG_CHANGING', this.frozenBecause);
    const state = this.#find(key);
    if (state === CORRUPT) return this.#refuseCorrupt(key, client, id);
    const time = readU64(view, start + RECORD_TIME_OFFSET);
    const node = view.getUint32(start + RECORD_NODE_OFFSET);
    const order = compareVersions(time, node, this.#heldTime, this.#heldNode);
    if (order === 0) return this.#afterCommit(state, client, id, acknowledge);
    if (order < 0) return this.#answerHigher(key, state, time, node, repair, client, id);
    const existed = state !== MISSING && this.#isLive() ? 1 : 0;
    const seq = this.#put(key, record, start, length);
    if (seq === 0) return client.onRefused(id, 'STORAGE_FAILED', STORAGE_MESSAGE);
    if (repair) this.#writtenBack.remember(key.hashHi, key.hashLo, time, node);
    this.#committer.wait(seq, client, id, existed);
  }

  /** Puts back what the other replicas have settled for a key whose stored record is corrupt. */
  restore(key: KeyRef, record: Uint8Array): void {
    if (this.#committer.isFailed || this.#find(key) !== CORRUPT) return;
    if (this.#put(key, record, 0, record.length) === 0) return;
    this.#writtenBack.remember(
      key.hashHi,
      key.hashLo,
      u64At(record, RECORD_TIME_OFFSET),
      u32At(record, RECORD_NODE_OFFSET),
    );
  }

  /** Somebody has come by a stored record of this key that fails its checksum. */
  onCorruptFound(key: KeyRef): void {
    this.#onCorrupt(key);
  }

  /** What was queued may be lost, and with it what is remembered of it. */
  onStorageFailed(): void {
    this.#writtenBack.forgetAll();
  }

  /** A batch that an answer waits for has committed, or failed. */
  onCommit(ticket: number, _unused: number, ok: boolean): void {
    const pending = this.#pending.get(ticket);
    if (pending === undefined) return;
    this.#pending.delete(ticket);
    if (ok) pending.answer(pending.client, pending.id);
    else pending.client.onLost(pending.id);
  }

  #find(key: KeyRef): FindState {
    const store = this.#store;
    const state = store.find(key.hashHi, key.hashLo, key.bytes, key.start, key.length);
    this.#hold(state);
    return state;
  }

  /** Notes the version that a look-up has found. */
  #hold(state: FindState): void {
    const store = this.#store;
    const isHeld = state !== MISSING && state !== CORRUPT;
    this.#heldTime = isHeld ? readU64(store.view, store.start + RECORD_TIME_OFFSET) : 0;
    this.#heldNode = isHeld ? store.view.getUint32(store.start + RECORD_NODE_OFFSET) : 0;
  }

  #put(key: KeyRef, record: Uint8Array, start: number, length: number): number {
    return this.#store.put(key.hashHi, key.hashLo, key.bytes, key.start, key.length, record, start, length);
  }

  /** Whether the record just found has a value: neither tombstone nor expired. */
  #isLive(): boolean {
    const { view, start } = this.#store;
    const flags = view.getUint8(start + RECORD_FLAGS_OFFSET);
    if (flags & FLAG_TOMBSTONE) return false;
    return flags === 0 || !isExpired(view, start, this.#clock.wallMs());
  }

  /** What was sent is older than what is held. */
  #answerHigher(
    key: KeyRef,
    state: FindState,
    time: number,
    node: number,
    repair: boolean,
    client: ReplicaClient,
    id: number,
  ): void {
    const heldTime = this.#heldTime;
    const heldNode = this.#heldNode;
    if (!repair && this.#hasAccepted(key, time, node)) {
      this.#afterCommit(state, client, id, acknowledge);
    } else if (!repair && this.#writtenBack.isUnsure) {
      this.#afterCommit(state, client, id, (asker, askedId) => asker.onUnsure(askedId));
    } else {
      this.#afterCommit(state, client, id, (asker, askedId) => asker.onStale(askedId, heldTime, heldNode));
    }
  }

  /** Whether a read or an exchange has brought this version, or the expired form that a reader made of it. */
  #hasAccepted(key: KeyRef, time: number, node: number): boolean {
    const expiredNode = (node | EXPIRED_BIT) >>> 0;
    if (this.#heldTime === time && this.#heldNode === expiredNode) return true;
    const { hashHi, hashLo } = key;
    return (
      this.#writtenBack.has(hashHi, hashLo, time, node) ||
      this.#writtenBack.has(hashHi, hashLo, time, expiredNode)
    );
  }

  /**
   * Answers a read from a record that is queued: the record as it is now, once it is in the log. Newer ones that are
   * queued meanwhile do not hold it up.
   */
  #answerQueued(order: number, versionOnly: boolean, client: ReplicaClient, id: number): void {
    const time = this.#heldTime;
    const node = this.#heldNode;
    if (order === 0) return this.#afterCommit(QUEUED, client, id, (asker, askedId) => asker.onSame(askedId));
    if (order < 0 || versionOnly) {
      return this.#afterCommit(QUEUED, client, id, (asker, askedId) => asker.onVersion(askedId, time, node));
    }
    const { bytes, start, length } = this.#store;
    const record = bytes.slice(start, start + length);
    this.#afterCommit(QUEUED, client, id, (asker, askedId) =>
      asker.onRecord(askedId, record, 0, record.length),
    );
  }

  /** Answers at once when what was found is in the log, else when it is. */
  #afterCommit(state: FindState, client: ReplicaClient, id: number, answer: PendingAnswer): void {
    if (state !== QUEUED) return answer(client, id);
    const ticket = this.#nextTicket++;
    this.#pending.set(ticket, { client, id, answer });
    this.#committer.wait(this.#store.seq, this, ticket, 0);
  }

  #refuseCorrupt(key: KeyRef, client: ReplicaClient, id: number): void {
    this.#onCorrupt(key);
    client.onRefused(id, 'STORAGE_FAILED', CORRUPT_MESSAGE);
  }
}

function acknowledge(client: ReplicaClient, id: number): void {
  client.onApplied(id, false);
}
