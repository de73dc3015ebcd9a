/**
 * How many keys the cluster holds, for DBSIZE: each replica counts its slots by their hash trees, which costs no reading, and
 * for each slot the middle one of its replicas' counts is taken. Exact while nothing is written; keys that have expired count
 * until that is settled.
 */
import { viewOf } from '../base/bytes.js';
import { definite } from '../base/errors.js';
import type { KeyCount } from '../gateway/redis/host.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { type Body, bytesField, requireEpoch } from '../wire/body.js';
import { COUNT_KEYS } from '../wire/message-type.js';
import type { PeerLink } from './peer-link.js';
import type { Running } from './running.js';

/** A member that stands still must not hold up INFO, which clients send as they connect. */
const TIMEOUT_MS = 500;
/** Of each slot: keys, and keys that expire. */
const ENTRY_BYTES = 8;
const COUNTS_BYTES = SLOT_COUNT * ENTRY_BYTES;
/** In the place of a number that a replica cannot give. */
const UNKNOWN = 0xffffffff;

export class KeyCounts {
  readonly #running: Running;

  constructor(running: Running) {
    this.#running = running;
    running.calls.register(COUNT_KEYS, (_link, body) => this.#onCount(body));
  }

  /** @throws KvError `QUORUM_UNAVAILABLE` when a slot is counted by none of its replicas. */
  async count(): Promise<KeyCount> {
    const { coordinator, peers, state } = this.#running;
    const { epoch } = state;
    const counts = new Map<ReplicaPeer, DataView>([[this.#running.self, viewOf(this.#own())]]);
    const asking = [...peers.links()]
      .filter((link) => link.isLive)
      .map((link) => this.#ask(link, epoch, counts));
    await Promise.all(asking);
    let keys = 0;
    let expiring = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const known = coordinator.placement.owners(slot).flatMap((owner) => {
        const view = counts.get(owner);
        if (view === undefined || view.getUint32(slot * ENTRY_BYTES) === UNKNOWN) return [];
        return [
          { keys: view.getUint32(slot * ENTRY_BYTES), expiring: view.getUint32(slot * ENTRY_BYTES + 4) },
        ];
      });
      if (known.length === 0)
        throw definite('QUORUM_UNAVAILABLE', `no replica of slot ${slot} can count its keys now`);
      known.sort((a, b) => a.keys - b.keys);
      const middle = known[known.length >> 1]!;
      keys += middle.keys;
      expiring += middle.expiring;
    }
    return { keys, expiring };
  }

  /** A member that does not answer is left out: each slot has others. */
  async #ask(link: PeerLink, epoch: number, counts: Map<ReplicaPeer, DataView>): Promise<void> {
    const answer = await link.call(COUNT_KEYS, { epoch }, TIMEOUT_MS).catch(() => undefined);
    const bytes = answer === undefined ? undefined : bytesField(answer, 'counts');
    if (bytes?.length === COUNTS_BYTES) counts.set(link, viewOf(bytes));
  }

  async #onCount(body: Body): Promise<Body> {
    requireEpoch(body, this.#running.state.epoch);
    return { counts: this.#own() };
  }

  #own(): Uint8Array {
    const { trees, unsynced, committer } = this.#running;
    const bytes = new Uint8Array(COUNTS_BYTES);
    const view = viewOf(bytes);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const isKnown = !committer.isFailed && trees.isBuilt(slot) && !unsynced.has(slot);
      const counts = isKnown ? trees.counts(slot) : undefined;
      const keys = counts === undefined ? UNKNOWN : counts.records - counts.tombstones;
      view.setUint32(slot * ENTRY_BYTES, keys);
      view.setUint32(slot * ENTRY_BYTES + 4, counts?.expiring ?? UNKNOWN);
    }
    return bytes;
  }
}
