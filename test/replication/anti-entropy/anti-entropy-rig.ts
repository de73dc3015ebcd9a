/** Two replicas that exchange directly: every question is encoded, decoded and answered as over a link. */
import { KvError } from '../../../src/base/errors.js';
import { SeededRandom } from '../../../src/base/seeded-random.js';
import { AntiEntropyAnswers } from '../../../src/replication/anti-entropy/answers.js';
import {
  type ExchangeOptions,
  type ExchangePeer,
  type ExchangeResult,
  exchange,
} from '../../../src/replication/anti-entropy/exchange.js';
import { type Pace, Pacer } from '../../../src/replication/anti-entropy/pacer.js';
import { RecordApplier } from '../../../src/replication/anti-entropy/record-applier.js';
import { PACE } from '../../../src/replication/anti-entropy/schedule.js';
import { KeyRef } from '../../../src/replication/key-ref.js';
import { Replica } from '../../../src/replication/replica.js';
import { UnsyncedSlots } from '../../../src/replication/unsynced-slots.js';
import { WrittenBack } from '../../../src/replication/written-back.js';
import { loadKeyHasher } from '../../../src/ring/hash.js';
import { SLOT_COUNT, type Slot, slotOf } from '../../../src/ring/slot.js';
import { GroupCommitter } from '../../../src/storage/group-committer.js';
import { engineKey } from '../../../src/storage/keyspace.js';
import { RecordCache } from '../../../src/storage/record-cache.js';
import { RecordStore } from '../../../src/storage/record-store.js';
import { SlotFloors } from '../../../src/storage/slot-floors.js';
import { SlotTrees } from '../../../src/storage/slot-trees.js';
import { HybridClock } from '../../../src/version/hybrid-clock.js';
import { type DecodedRecord, decodeRecord, encodeRecord } from '../../../src/version/record.js';
import { type Body, decodeBody, encodeBody } from '../../../src/wire/body.js';
import {
  RECORDS,
  RECORDS_PUSH,
  TREE_DIGEST,
  TREE_KEYS,
  TREE_LEAVES,
  typeName,
} from '../../../src/wire/message-type.js';
import { RecordedLog } from '../../storage/fixtures/recorded-log.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { VirtualDisk } from '../../support/virtual-disk.js';
import { WordsClient } from '../replica-rig.js';

export const hasher = await loadKeyHasher();
export const ALL_SLOTS: readonly Slot[] = Array.from({ length: SLOT_COUNT }, (_, i) => i as Slot);

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export class Side implements ExchangePeer {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly disk: VirtualDisk;
  readonly committer: GroupCommitter;
  readonly store: RecordStore;
  readonly replica: Replica;
  readonly trees = new SlotTrees();
  readonly answers: AntiEntropyAnswers;
  readonly #ports: Omit<Parameters<typeof exchange>[0], 'pacer'>;
  readonly corrupt: string[] = [];
  /** What it was asked, by the names of the types. */
  asked: string[] = [];
  epoch = 1;
  /** Runs before each question is answered; may change or replace the answer. */
  interfere: (type: number, answer: () => Promise<Body>) => Promise<Body> = (_type, answer) => answer();

  private constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.clock = clock;
    this.disk = new VirtualDisk(new SeededRandom(1));
    const engine = this.disk.engine(clock);
    const log = new RecordedLog();
    this.committer = new GroupCommitter({
      engine,
      clock,
      fsync: 'never',
      log,
      onStateChange: (state) => {
        if (state !== 'failed') return;
        this.store.forgetMemory();
        this.replica.onStorageFailed();
      },
    });
    const { committer, trees } = this;
    this.store = new RecordStore({ clock, engine, committer, cache: new RecordCache({ bytes: 65536 }), log });
    const onCorrupt = (key: KeyRef): void => void this.corrupt.push(textOf(key.key()));
    const floors = new SlotFloors();
    const parts = { clock, store: this.store, committer, trees, floors };
    const writtenBack = new WrittenBack(clock, false);
    this.replica = new Replica({ ...parts, writtenBack, unsynced: new UnsyncedSlots(), onCorrupt });
    const hybridClock = new HybridClock({ clock, storedBound: 0, persist: (_, done) => done(undefined) });
    const applier = new RecordApplier({ clock, hasher, hybridClock, replica: this.replica });
    const isSound = (key: Uint8Array): boolean => {
      this.replica.onCorruptFound(refOf(textOf(key.subarray(2))));
      return false;
    };
    this.#ports = { ...parts, hasher, applier, isSound, epoch: () => this.epoch };
    this.answers = new AntiEntropyAnswers(this.#ports);
    void engine.open();
    for (const slot of ALL_SLOTS) trees.declareBuilt(slot);
  }

  static async open(name: string, clock: VirtualClock): Promise<Side> {
    const side = new Side(name, clock);
    await clock.settle();
    return side;
  }

  /** Puts a record with this version; undefined as the value is a tombstone. */
  put(key: string, time: number, value: string | undefined = `${key}@${time}`): void {
    const ref = refOf(key);
    const fields = { time, node: 2, tombstone: value === undefined, expiryMs: 0 };
    const record = encodeRecord({ ...fields, value: new TextEncoder().encode(value ?? '') }, ref.hashLo);
    const view = new DataView(record.buffer);
    this.replica.apply(ref, record, view, 0, record.length, false, new WordsClient(), 1);
  }

  stored(key: string): DecodedRecord | undefined {
    const bytes = this.disk.content.get(Buffer.from(engineKeyOf(key)).toString('latin1'));
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }

  /** The times of the versions that are stored for these keys; 0: none. */
  times(keys: readonly string[]): number[] {
    return keys.map((key) => this.stored(key)?.version.time ?? 0);
  }

  /** Flips a bit of what is stored, and forgets what is in memory. */
  flip(key: string): void {
    this.disk.corrupt(engineKeyOf(key), 18);
    this.store.forgetMemory();
  }

  async call(type: number, body: Body): Promise<Body> {
    this.asked.push(typeName(type));
    const question = decodeBody(encodeBody(body))!;
    return this.interfere(type, async () => decodeBody(encodeBody(await this.answer(type, question)))!);
  }

  answer(type: number, body: Body): Promise<Body> {
    const { answers } = this;
    if (type === TREE_DIGEST) return answers.onDigest(body);
    if (type === TREE_LEAVES) return answers.onLeaves(body);
    if (type === TREE_KEYS) return answers.onKeys(body);
    if (type === RECORDS) return answers.onRecords(body);
    if (type === RECORDS_PUSH) return answers.onPush(body);
    throw new Error(`no such type: ${type}`);
  }

  /** One exchange with a peer, while somebody else lets time pass. */
  begin(
    peer: ExchangePeer,
    options: ExchangeOptions = {},
    slots: readonly Slot[] = ALL_SLOTS,
    pace: Pace = PACE,
  ): Promise<ExchangeResult> {
    return exchange({ ...this.#ports, pacer: new Pacer(this.clock, pace) }, peer, slots, options);
  }

  /** One exchange with a peer; lets time pass until it has ended. */
  async exchange(
    peer: ExchangePeer,
    options: ExchangeOptions = {},
    slots: readonly Slot[] = ALL_SLOTS,
    pace: Pace = PACE,
  ): Promise<ExchangeResult> {
    let result: ExchangeResult | undefined;
    const running = this.begin(peer, options, slots, pace);
    void running.then((done) => {
      result = done;
    });
    for (let i = 0; result === undefined && i < 10_000; i++) await this.clock.advanceAsync(1);
    return running;
  }

  /** The code that a malformed or refused question is answered with. */
  async refusal(type: number, body: Body): Promise<string> {
    const code = this.answer(type, decodeBody(encodeBody(body))!).then(
      () => 'none',
      (error) => (error instanceof KvError ? error.code : String(error)),
    );
    await this.clock.advanceAsync(5);
    return code;
  }
}

export function refOf(key: string): KeyRef {
  const ref = new KeyRef();
  const bytes = new TextEncoder().encode(key);
  hasher.hash(bytes);
  ref.set(bytes, 0, bytes.length, hasher.hi, hasher.lo);
  return ref;
}

export function slotOfKey(key: string): Slot {
  return slotOf(refOf(key).hashHi);
}

export function engineKeyOf(key: string): Uint8Array {
  return engineKey(slotOfKey(key), new TextEncoder().encode(key));
}
