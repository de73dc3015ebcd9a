/**
 * Hinted handoff, the keeper's side (DESIGN §4): for a replica that is down while a key is written, a live replica of the
 * key keeps a hint, and sends its newest record later (`hint-drainer.ts`). A hint is no acceptance: it never counts
 * towards W.
 *
 * Who keeps it: the coordinator itself if it is a live replica of the key, else the first live one, which the coordinator
 * tells by places in the preference list. If neither the coordinator nor the keeper lives on, there is no hint, and
 * anti-entropy finds the difference.
 */
import type { Member } from '../membership/cluster-config.js';
import type { Slot } from '../ring/slot.js';
import type { HintStore, HintTarget } from '../storage/hint-store.js';
import type { Body } from '../wire/body.js';
import type { KeyRef } from './key-ref.js';
import type { ReplicaPeer } from './peer.js';

export class Hints {
  readonly store: HintStore;
  /** Identities of the members, by name. */
  #identities = new Map<string, string>();
  readonly #names = new Map<string, string>();
  /** Whether hints are being sent to a target at the moment. The drainer sets it. */
  isDraining: (target: HintTarget) => boolean = () => false;

  constructor(store: HintStore) {
    this.store = store;
  }

  /** Names are resolved by this from now on. Hints for others stay until the drainer drops them. */
  setMembers(members: readonly Member[]): void {
    this.#identities = new Map(members.map(({ name, identity }) => [name, identity]));
    this.#names.clear();
    for (const { name, identity } of members) this.#names.set(identity, name);
  }

  /** The name of the member that this target is; undefined when it is none. */
  nameOf(target: HintTarget): string | undefined {
    return this.#names.get(target.identity);
  }

  /**
   * Keeps a hint for each owner in `places` (bit i: the owner at place i) but for this node itself. Call it before the
   * record itself is queued: the hint is then in the log no later.
   */
  keep(key: KeyRef, owners: readonly ReplicaPeer[], places: number): void {
    for (let i = 0; i < owners.length; i++) {
      const owner = owners[i]!;
      if ((places & (1 << i)) === 0 || owner.isSelf) continue;
      const identity = this.#identities.get(owner.name);
      if (identity !== undefined) this.store.add(identity, key);
    }
  }

  /** Hints of this node, for any target, in a slot. Infinite until those of an earlier run are known. */
  outstandingFor(slot: Slot): number {
    return this.store.outstandingFor(slot);
  }

  /** The slots of a member of which hints were dropped: an exchange has to compare them as a whole. */
  needsSync(name: string): readonly Slot[] {
    return [...(this.#targetOf(name)?.unsynced ?? [])].sort((a, b) => a - b);
  }

  /** A slot has been compared with that member's, and both are the same. */
  clearNeedsSync(name: string, slot: Slot): void {
    const target = this.#targetOf(name);
    if (target !== undefined) this.store.clearUnsynced(target, slot);
  }

  /** For the status: per target that something can be said of, and in all. */
  status(): Body {
    const targets = [...this.store.targets()].map((target) => ({
      target: this.nameOf(target) ?? target.identity,
      hints: target.hints,
      memoryBytes: target.hashes.bytes,
      draining: this.isDraining(target),
      replayed: target.replayed,
      dropped: target.dropped,
      unsyncedSlots: target.unsynced.size,
    }));
    const sum = (of: (target: (typeof targets)[number]) => number): number =>
      targets.reduce((total, target) => total + of(target), 0);
    return {
      loaded: this.store.isLoaded,
      hints: this.store.count,
      replayed: sum(({ replayed }) => replayed),
      dropped: sum(({ dropped }) => dropped),
      targets,
    };
  }

  #targetOf(name: string): HintTarget | undefined {
    const identity = this.#identities.get(name);
    return identity === undefined ? undefined : this.store.find(identity);
  }
}
