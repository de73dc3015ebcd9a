/**
 * What a replica answers when another one compares with it: digests, leaves, lists of keys, records; and how it takes
 * what it is sent. Holds no state of an exchange: the one who asks does.
 *
 * An answer about trees rests on records that may only be queued, so it waits until they are in the log. Nothing is
 * taken on trust: every byte string is checked, and every record against its checksum.
 */
import { equalBytes } from '../../base/bytes.js';
import { definite, type KvError } from '../../base/errors.js';
import type { Slot } from '../../ring/slot.js';
import type { GroupCommitter } from '../../storage/group-committer.js';
import { keyOfEngineKey } from '../../storage/keyspace.js';
import type { RecordStore } from '../../storage/record-store.js';
import { type SlotTrees, TREE_HASH_BYTES } from '../../storage/slot-trees.js';
import { checkRecord } from '../../version/record.js';
import { type Body, bytesField, requireEpoch } from '../../wire/body.js';
import { type LeafKeysPorts, listLeafKeys } from './leaf-keys.js';
import { KEYS_BYTES_MAX, KEYS_MAX, RECORDS_BYTES_MAX, SLOTS_MAX } from './limits.js';
import {
  bitsOf,
  packRecords,
  packSlots,
  packVersions,
  unpackGroups,
  unpackKeyedRecords,
  unpackKeys,
  unpackLeaves,
  unpackSlots,
} from './packed.js';
import type { RecordApplier } from './record-applier.js';

export interface AntiEntropyAnswersOptions extends LeafKeysPorts {
  readonly trees: SlotTrees;
  readonly store: RecordStore;
  readonly committer: GroupCommitter;
  readonly applier: RecordApplier;
  /** The epoch of this node's configuration. */
  readonly epoch: () => number;
}

/** Records read together: some of them may be large. */
const READ_TOGETHER_MAX = 64;
const EMPTY = new Uint8Array(0);

export class AntiEntropyAnswers {
  readonly #options: AntiEntropyAnswersOptions;

  constructor(options: AntiEntropyAnswersOptions) {
    this.#options = options;
  }

  /** TREE_DIGEST: whether all these slots are equal, or else their roots. */
  async onDigest(body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const slots = unpackSlots(bytesField(body, 'slots'));
    const digest = bytesField(body, 'digest');
    if (slots === undefined || digest?.length !== TREE_HASH_BYTES) throw malformed('TREE_DIGEST');
    const { trees } = this.#options;
    const unbuilt = this.#unbuilt(slots);
    if (unbuilt.length === 0 && equalBytes(trees.digest(slots), digest)) {
      return this.#onceLogged({ same: true });
    }
    return this.#onceLogged({ roots: rootsOf(trees, slots), unbuilt: packSlots(unbuilt) });
  }

  /** TREE_LEAVES: the groups of slots, or the leaves of groups. */
  async onLeaves(body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const { trees } = this.#options;
    const slots = unpackSlots(bytesField(body, 'slots'));
    if (slots !== undefined && slots.length <= SLOTS_MAX) {
      const groups = concat(slots.map((slot) => trees.groups(slot)));
      return this.#onceLogged({ groups, unbuilt: packSlots(this.#unbuilt(slots)) });
    }
    const masks = unpackGroups(bytesField(body, 'groups'));
    if (masks === undefined || masks.length > SLOTS_MAX) throw malformed('TREE_LEAVES');
    const leaves = concat(
      masks.flatMap(({ slot, groups }) => bitsOf(groups).map((group) => trees.leaves(slot, group))),
    );
    const unbuilt = this.#unbuilt(masks.map(({ slot }) => slot));
    return this.#onceLogged({ leaves, unbuilt: packSlots(unbuilt) });
  }

  /** TREE_KEYS: the keys in some leaves, with their versions. */
  async onKeys(body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const leaves = unpackLeaves(bytesField(body, 'leaves'));
    const from = body.from === undefined ? undefined : bytesField(body, 'from');
    if (
      leaves === undefined ||
      leaves.length > SLOTS_MAX ||
      (body.from !== undefined && from === undefined)
    ) {
      throw malformed('TREE_KEYS');
    }
    this.#checkStorage();
    const bounds = { keysMax: KEYS_MAX, bytesMax: KEYS_BYTES_MAX };
    const list = await listLeafKeys(this.#options, { leaves, from, to: undefined, ...bounds });
    return {
      keys: packVersions(list.keys),
      upTo: list.upTo ?? null,
      corrupt: packSlots([...list.corrupt].sort((a, b) => a - b)),
    };
  }

  /** RECORDS: the records of keys, as many of them as fit; those that are missing or corrupt have no bytes. */
  async onRecords(body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const keys = unpackKeys(bytesField(body, 'keys'));
    if (keys === undefined || keys.length > KEYS_MAX) throw malformed('RECORDS');
    this.#checkStorage();
    const records: Uint8Array[] = [];
    let bytes = 0;
    while (records.length < keys.length && bytes < RECORDS_BYTES_MAX) {
      // Few at first: how large they are shows only when they have been read.
      const left = RECORDS_BYTES_MAX - bytes;
      const count = records.length === 0 ? 4 : Math.ceil((left * records.length) / (bytes + 1));
      const some = keys.slice(records.length, records.length + Math.min(count, READ_TOGETHER_MAX));
      const stored = await this.#options.store.readStored(some);
      for (const [i, key] of some.entries()) {
        const record = this.#sound(key, stored[i]);
        if (records.length > 0 && bytes + record.length > RECORDS_BYTES_MAX) {
          return { records: packRecords(records) };
        }
        records.push(record);
        bytes += record.length;
      }
    }
    return { records: packRecords(records) };
  }

  /** RECORDS_PUSH: takes records over; answers with one byte for each, 1 when it or something higher is in the log. */
  async onPush(body: Body): Promise<Body> {
    requireEpoch(body, this.#options.epoch());
    const records = unpackKeyedRecords(bytesField(body, 'records'));
    const { applier } = this.#options;
    if (
      records === undefined ||
      records.length > KEYS_MAX ||
      !records.every((each) => applier.isValid(each))
    ) {
      throw malformed('RECORDS_PUSH');
    }
    this.#checkStorage();
    const outcomes = await applier.apply(records);
    return { logged: Uint8Array.from(outcomes, (isInLog) => (isInLog ? 1 : 0)) };
  }

  #sound(engineKey: Uint8Array, record: Uint8Array | undefined): Uint8Array {
    if (record === undefined) return EMPTY;
    const { hasher, isSound } = this.#options;
    hasher.hash(keyOfEngineKey(engineKey));
    if (checkRecord(record, hasher.lo)) return record;
    isSound(engineKey, record); // It says so to whoever repairs it.
    return EMPTY;
  }

  #unbuilt(slots: readonly Slot[]): Slot[] {
    return slots.filter((slot) => !this.#options.trees.isBuilt(slot));
  }

  /** Trees speak of what is queued, too: the answer waits for it. */
  async #onceLogged(answer: Body): Promise<Body> {
    if (await this.#options.committer.settled()) return answer;
    throw storageFailed();
  }

  #checkStorage(): void {
    if (this.#options.committer.isFailed) throw storageFailed();
  }
}

function rootsOf(trees: SlotTrees, slots: readonly Slot[]): Uint8Array {
  const bytes = new Uint8Array(slots.length * TREE_HASH_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, slot] of slots.entries()) {
    view.setUint32(i * TREE_HASH_BYTES, trees.rootHi(slot));
    view.setUint32(i * TREE_HASH_BYTES + 4, trees.rootLo(slot));
  }
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

function malformed(type: string): KvError {
  return definite('BAD_REQUEST', `a malformed ${type}`);
}

function storageFailed(): KvError {
  return definite(
    'STORAGE_FAILED',
    'the storage of this replica has failed; nothing can be said about its records',
  );
}
