/**
 * The replica's side: reading a key's record, and `apply`, the one way to change it (DESIGN §3, the replica rule).
 *
 * `apply` accepts a record only if its version is higher than the one held, comparing with what is queued too. Answers
 * speak only of what is in the log: each waits for the batch that its statement rests on. The promises of conditional
 * writes will join the comparison.
 *
 * Refused: everything while the storage has failed, writes while the configuration changes, and any word on a key
 * whose stored record is corrupt. A replica that has lost its data takes what it is sent, but has no vote on slots that it
 * has not synced: reads are refused, and writes answered UNSURE.
 */
import { readU64, u32At, u64At, viewOf } from '../base/bytes.js';
import type { Clock } from '../ports/clock.js';
import { slotOf } from '../ring/slot.js';
import type { CommitListener, GroupCommitter } from '../storage/group-committer.js';
import {
  COLD,
  COMMITTED,
  CORRUPT,
  type FindState,
  MISSING,
  QUEUED,
  type RecordStore,
} from '../storage/record-store.js';
import type { SlotFloors } from '../storage/slot-floors.js';
import type { SlotTrees } from '../storage/slot-trees.js';
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
import type { UnsyncedSlots } from './unsynced-slots.js';
import type { WrittenBack } from './written-back.js';

export interface ReplicaOptions {
  readonly clock: Clock;
  readonly store: RecordStore;
  readonly committer: GroupCommitter;
  readonly writtenBack: WrittenBack;
  readonly unsynced: UnsyncedSlots;
  readonly floors: SlotFloors;
  /** Kept true with every record that is queued. */
  readonly trees: SlotTrees;
  /** Called with a key whose stored record is corrupt, so that it is fetched from the peers. Copy the key to keep it. */
  readonly onCorrupt: (key: KeyRef) => void;
}

const STORAGE_MESSAGE = 'the storage of this replica has failed; it takes no part until it is open again';
const SYNCING_MESSAGE = 'this replica lost its data and has not synced the slot of this key yet';
const COLLECTED_MESSAGE = 'this replica has collected the tombstones of versions as old as this one';
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
  readonly #unsynced: UnsyncedSlots;
  readonly #floors: SlotFloors;
  readonly #trees: SlotTrees;
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
    this.#unsynced = options.unsynced;
    this.#floors = options.floors;
    this.#trees = options.trees;
    this.#onCorrupt = options.onCorrupt;
  }

  /** False while the storage has failed. */
  get isServing(): boolean {
    return !this.#committer.isFailed;
  }

  /** Versions that write-backs have brought, and that are remembered. */
  get rememberedVersions(): number {
    return this.#writtenBack.size;
  }

  /** The rarer answers that wait for the log. */
  get answersWaiting(): number {
    return this.#pending.size;
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
    if (this.#hasNoVote(key)) return client.onRefused(id, 'SYNCING', SYNCING_MESSAGE);
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
    const isUnsure = !repair && this.#hasNoVote(key);
    if (order === 0) return this.#afterCommit(state, client, id, isUnsure ? answerUnsure : acknowledge);
    if (order < 0) return this.#answerHigher(key, state, time, node, repair, client, id);
    const slot = slotOf(key.hashHi);
    if (time <= this.#floors.promised(slot)) {
      // It was under way for very long. Whether somebody has brought it here before cannot be said any more.
      if (!repair) return client.onLost(id);
      const isTombstone = (view.getUint8(start + RECORD_FLAGS_OFFSET) & FLAG_TOMBSTONE) !== 0;
      if (state === MISSING && !isTombstone && time <= this.#floors.collected(slot))
        return client.onRefused(id, 'STORAGE_FAILED', COLLECTED_MESSAGE);
    }
    const existed = state !== MISSING && this.#isLive() ? 1 : 0;
    const seq = this.#put(key, record, view, start, length);
    if (seq === 0) return client.onRefused(id, 'STORAGE_FAILED', STORAGE_MESSAGE);
    if (repair) this.#writtenBack.remember(key.hashHi, key.hashLo, time, node);
    if (isUnsure) this.#afterCommitOf(seq, client, id, answerUnsure);
    else this.#committer.wait(seq, client, id, existed);
  }

  /**
   * Puts back what the other replicas have settled for a key whose stored record is corrupt; undefined when they hold nothing.
   */
  restore(key: KeyRef, record: Uint8Array | undefined): void {
    if (this.#committer.isFailed || this.#find(key) !== CORRUPT) return;
    // The tree of its slot was forgotten when the record was found corrupt: nobody knows what it stood for.
    this.#trees.forget(slotOf(key.hashHi));
    if (record === undefined) {
      this.#store.remove(key.hashHi, key.hashLo, key.bytes, key.start, key.length);
      return;
    }
    if (this.#put(key, record, viewOf(record), 0, record.length) === 0) return;
    this.#writtenBack.remember(
      key.hashHi,
      key.hashLo,
      u64At(record, RECORD_TIME_OFFSET),
      u32At(record, RECORD_NODE_OFFSET),
    );
  }

  /**
   * Takes out the tombstone of a key, if it is still the one of this version, and all replicas have agreed on a floor
   * above it.
   * @returns the batch it will commit in; 0 when nothing was done.
   */
  dropTombstone(key: KeyRef, time: number, node: number): number {
    const state = this.#find(key);
    if (state !== COMMITTED || time > this.#floors.collected(slotOf(key.hashHi))) return 0;
    if (compareVersions(time, node, this.#heldTime, this.#heldNode) !== 0) return 0;
    const { view, start } = this.#store;
    if ((view.getUint8(start + RECORD_FLAGS_OFFSET) & FLAG_TOMBSTONE) === 0) return 0;
    this.#trees.replace(key.hashHi, key.hashLo, view, start, view, -1);
    const seq = this.#store.remove(key.hashHi, key.hashLo, key.bytes, key.start, key.length);
    if (seq === 0) this.#trees.forget(slotOf(key.hashHi));
    return seq;
  }

  /** Somebody has come by a stored record of this key that fails its checksum. */
  onCorruptFound(key: KeyRef): void {
    this.#trees.forget(slotOf(key.hashHi));
    this.#onCorrupt(key);
  }

  /** What was queued may be lost, and with it what is remembered of it. */
  onStorageFailed(): void {
    this.#writtenBack.forgetAll();
    this.#trees.forgetAll();
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

  /** Queues a record in the place of what the last look-up has found. */
  #put(key: KeyRef, record: Uint8Array, view: DataView, start: number, length: number): number {
    const store = this.#store;
    // Before the record is put: what the look-up found is overwritten by it.
    const heldStart = this.#heldTime === 0 ? -1 : store.start;
    this.#trees.replace(key.hashHi, key.hashLo, store.view, heldStart, view, start);
    const seq = store.put(key.hashHi, key.hashLo, key.bytes, key.start, key.length, record, start, length);
    if (seq === 0) this.#trees.forget(slotOf(key.hashHi));
    return seq;
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
    if (!repair && (this.#writtenBack.isUnsure || this.#hasNoVote(key))) {
      const isKnown = !this.#hasNoVote(key) && this.#hasAccepted(key, time, node);
      this.#afterCommit(state, client, id, isKnown ? acknowledge : answerUnsure);
    } else if (!repair && this.#hasAccepted(key, time, node)) {
      this.#afterCommit(state, client, id, acknowledge);
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
    this.#afterCommitOf(this.#store.seq, client, id, answer);
  }

  #afterCommitOf(seq: number, client: ReplicaClient, id: number, answer: PendingAnswer): void {
    const ticket = this.#nextTicket++;
    this.#pending.set(ticket, { client, id, answer });
    this.#committer.wait(seq, this, ticket, 0);
  }

  #hasNoVote(key: KeyRef): boolean {
    return this.#unsynced.count > 0 && this.#unsynced.has(slotOf(key.hashHi));
  }

  #refuseCorrupt(key: KeyRef, client: ReplicaClient, id: number): void {
    this.onCorruptFound(key);
    client.onRefused(id, 'STORAGE_FAILED', CORRUPT_MESSAGE);
  }
}

function answerUnsure(client: ReplicaClient, id: number): void {
  client.onUnsure(id);
}

function acknowledge(client: ReplicaClient, id: number): void {
  client.onApplied(id, false);
}
