/** Lists what a replica holds in some leaves of its hash trees: keys with their versions, in the order of storage. */
import { compareBytes, u32At, u64At } from '../../base/bytes.js';
import type { KeyHasher } from '../../ring/hash.js';
import type { Slot } from '../../ring/slot.js';
import { keyOfEngineKey, slotOfEngineKey, slotRange } from '../../storage/keyspace.js';
import type { RecordStore } from '../../storage/record-store.js';
import { leafOf } from '../../storage/slot-trees.js';
import { checkRecord, RECORD_NODE_OFFSET, RECORD_TIME_OFFSET } from '../../version/record.js';
import { after, type RecordCheck } from '../scan-range.js';
import type { KeyVersion, SlotLeaves } from './packed.js';

export interface LeafKeysPorts {
  readonly store: RecordStore;
  readonly hasher: KeyHasher;
  /** Is told of each corrupt record, so that it is repaired. */
  readonly isSound: RecordCheck;
}

export interface LeafKeysRequest {
  /** In ascending order of slots. */
  readonly leaves: readonly SlotLeaves[];
  /** Only engine keys from this one on, and only those before the other. */
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
  readonly keysMax: number;
  readonly bytesMax: number;
}

export interface LeafKeys {
  readonly keys: readonly KeyVersion[];
  /** Everything before this engine key has been looked at; undefined: everything that was asked for. */
  readonly upTo: Uint8Array | undefined;
  /** Slots with a corrupt record in these leaves: the list says nothing about its key. */
  readonly corrupt: readonly Slot[];
}

const CHUNK = 256;
/** Records looked at for one list, whatever leaf they are in: bounds the time that it takes. */
const EXAMINED_MAX = 16_384;
/** Slots that are read in vain between two that are wanted, rather than opening another iterator. */
const GAP_MAX = 3;

/** Speaks of committed records only: the engine has no others. */
export async function listLeafKeys(ports: LeafKeysPorts, request: LeafKeysRequest): Promise<LeafKeys> {
  const list = new Listing(ports, request);
  for (const sweep of sweepsOf(request)) {
    if (!(await list.sweep(sweep.from, sweep.to))) break;
  }
  return list;
}

class Listing implements LeafKeys {
  readonly keys: KeyVersion[] = [];
  upTo: Uint8Array | undefined;
  readonly #corrupt = new Set<Slot>();
  readonly #ports: LeafKeysPorts;
  readonly #request: LeafKeysRequest;
  readonly #leaves: ReadonlyMap<number, Uint8Array>;
  #examined = 0;
  #bytes = 0;

  constructor(ports: LeafKeysPorts, request: LeafKeysRequest) {
    this.#ports = ports;
    this.#request = request;
    this.#leaves = new Map(request.leaves.map(({ slot, leaves }) => [slot, leaves]));
  }

  get corrupt(): Slot[] {
    return [...this.#corrupt];
  }

  /** @returns false when the list is full. */
  async sweep(from: Uint8Array, to: Uint8Array): Promise<boolean> {
    const iterator = this.#ports.store.iterate(from, to);
    try {
      for (;;) {
        const chunk = await iterator.next(CHUNK);
        if (chunk.length === 0) return true;
        for (const [engineKey, record] of chunk) {
          this.#look(engineKey, record);
          if (!this.#isFull()) continue;
          this.upTo = after(engineKey);
          return false;
        }
      }
    } finally {
      await iterator.close();
    }
  }

  #look(engineKey: Uint8Array, record: Uint8Array): void {
    this.#examined++;
    const slot = slotOfEngineKey(engineKey);
    const leaves = this.#leaves.get(slot);
    if (leaves === undefined) return;
    const { hasher, isSound } = this.#ports;
    hasher.hash(keyOfEngineKey(engineKey));
    const leaf = leafOf(hasher.hi);
    if ((leaves[leaf >>> 3]! & (1 << (leaf & 7))) === 0) return;
    if (!checkRecord(record, hasher.lo)) {
      this.#corrupt.add(slot);
      isSound(engineKey, record); // It says so to whoever repairs it.
      return;
    }
    this.keys.push({
      engineKey,
      time: u64At(record, RECORD_TIME_OFFSET),
      node: u32At(record, RECORD_NODE_OFFSET),
    });
    this.#bytes += engineKey.length;
  }

  #isFull(): boolean {
    const { keysMax, bytesMax } = this.#request;
    return this.#examined >= EXAMINED_MAX || this.keys.length >= keysMax || this.#bytes >= bytesMax;
  }
}

interface Sweep {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** The ranges to read: slots that are near each other in one. */
function sweepsOf({ leaves, from, to }: LeafKeysRequest): Sweep[] {
  const runs: { first: Slot; last: Slot }[] = [];
  for (const { slot } of leaves) {
    const run = runs.at(-1);
    if (run !== undefined && slot - run.last <= GAP_MAX + 1) run.last = slot;
    else runs.push({ first: slot, last: slot });
  }
  return runs
    .map(({ first, last }) => ({
      from: higher(slotRange(first).from, from),
      to: lower(slotRange(last).to, to),
    }))
    .filter((sweep) => compareBytes(sweep.from, sweep.to) < 0);
}

function higher(a: Uint8Array, b: Uint8Array | undefined): Uint8Array {
  return b === undefined || compareBytes(a, b) >= 0 ? a : b;
}

function lower(a: Uint8Array, b: Uint8Array | undefined): Uint8Array {
  return b === undefined || compareBytes(a, b) <= 0 ? a : b;
}
