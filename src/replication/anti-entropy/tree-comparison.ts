/**
 * Compares the hash trees of two replicas, from the roots down to the leaves.
 *
 * Where it says that slots are equal, everything that the two trees rest on is in the two logs: each side waits for what it
 * had queued. Each comparison is of one moment on either side; what is written meanwhile shows as a difference, which
 * the comparison of keys then finds to be none.
 */
import { definite, type KvError } from '../../base/errors.js';
import type { Slot } from '../../ring/slot.js';
import type { GroupCommitter } from '../../storage/group-committer.js';
import { GROUP_COUNT, LEAVES_PER_GROUP, type SlotTrees, TREE_HASH_BYTES } from '../../storage/slot-trees.js';
import { type Body, bytesField } from '../../wire/body.js';
import { TREE_DIGEST, TREE_LEAVES } from '../../wire/message-type.js';
import type { Conversation } from './conversation.js';
import { SLOTS_MAX } from './limits.js';
import { bitsOf, packGroups, packSlots, type SlotGroups, type SlotLeaves, unpackSlots } from './packed.js';

export interface Comparison<Difference> {
  readonly equal: readonly Slot[];
  readonly differing: readonly Difference[];
  /** One of the two has no tree of these, so they were not compared. */
  readonly unbuilt: readonly Slot[];
}

/** What is known of each slot while it is being compared. */
class Findings<Difference> implements Comparison<Difference> {
  readonly equal: Slot[] = [];
  readonly differing: Difference[] = [];
  readonly unbuilt: Slot[] = [];
}

export class TreeComparison {
  readonly #trees: SlotTrees;
  readonly #committer: GroupCommitter;
  readonly #conversation: Conversation;

  constructor(trees: SlotTrees, committer: GroupCommitter, conversation: Conversation) {
    this.#trees = trees;
    this.#committer = committer;
    this.#conversation = conversation;
  }

  /** One question, however many slots. */
  async roots(slots: readonly Slot[]): Promise<Comparison<Slot>> {
    const found = new Findings<Slot>();
    const built: Slot[] = [];
    for (const slot of slots) (this.#trees.isBuilt(slot) ? built : found.unbuilt).push(slot);
    if (built.length === 0) return found;
    const settled = this.#committer.settled();
    const question = { slots: packSlots(built), digest: this.#trees.digest(built) };
    const answer = await this.#conversation.ask(TREE_DIGEST, question);
    if (answer.same === true) {
      await required(settled);
      found.equal.push(...built);
      return found;
    }
    const roots = this.#hashes(TREE_DIGEST, answer, 'roots', built.length);
    const unbuilt = this.#unbuilt(TREE_DIGEST, answer);
    for (const [i, slot] of built.entries()) {
      if (unbuilt.has(slot) || !this.#trees.isBuilt(slot)) found.unbuilt.push(slot);
      else if (isRoot(this.#trees, slot, roots, i)) found.equal.push(slot);
      else found.differing.push(slot);
    }
    await required(this.#committer.settled());
    return found;
  }

  /** Two questions for up to {@link SLOTS_MAX} slots: the groups, then the leaves of those that differ. */
  async leaves(slots: readonly Slot[]): Promise<Comparison<SlotLeaves>> {
    const found = new Findings<SlotLeaves>();
    const groups = await this.#groups(slots.slice(0, SLOTS_MAX), found);
    if (groups.length === 0) return found;
    const answer = await this.#conversation.ask(TREE_LEAVES, { groups: packGroups(groups) });
    const count = groups.reduce((sum, mask) => sum + bitsOf(mask.groups).length, 0);
    const theirs = this.#hashes(TREE_LEAVES, answer, 'leaves', count * LEAVES_PER_GROUP);
    const unbuilt = this.#unbuilt(TREE_LEAVES, answer);
    let at = 0;
    for (const mask of groups) {
      const { slot } = mask;
      const leaves = new Uint8Array(GROUP_COUNT);
      for (const group of bitsOf(mask.groups)) {
        leaves[group] = difference(this.#trees.leaves(slot, group), theirs, at);
        at += LEAVES_PER_GROUP * TREE_HASH_BYTES;
      }
      if (unbuilt.has(slot) || !this.#trees.isBuilt(slot)) found.unbuilt.push(slot);
      else if (leaves.every((bits) => bits === 0)) found.equal.push(slot);
      else found.differing.push({ slot, leaves });
    }
    await required(this.#committer.settled());
    return found;
  }

  async #groups(slots: readonly Slot[], found: Findings<SlotLeaves>): Promise<SlotGroups[]> {
    const answer = await this.#conversation.ask(TREE_LEAVES, { slots: packSlots(slots) });
    const theirs = this.#hashes(TREE_LEAVES, answer, 'groups', slots.length * GROUP_COUNT);
    const unbuilt = this.#unbuilt(TREE_LEAVES, answer);
    const masks: SlotGroups[] = [];
    for (const [i, slot] of slots.entries()) {
      const at = i * GROUP_COUNT * TREE_HASH_BYTES;
      const groups = difference(this.#trees.groups(slot), theirs, at);
      if (unbuilt.has(slot) || !this.#trees.isBuilt(slot)) found.unbuilt.push(slot);
      else if (groups === 0) found.equal.push(slot);
      else masks.push({ slot, groups });
    }
    await required(this.#committer.settled());
    return masks;
  }

  #hashes(type: number, answer: Body, field: string, count: number): Uint8Array {
    const bytes = bytesField(answer, field);
    if (bytes?.length === count * TREE_HASH_BYTES) return bytes;
    throw this.#conversation.nonsense(type);
  }

  #unbuilt(type: number, answer: Body): Set<Slot> {
    const slots = unpackSlots(bytesField(answer, 'unbuilt'));
    if (slots !== undefined) return new Set(slots);
    throw this.#conversation.nonsense(type);
  }
}

function isRoot(trees: SlotTrees, slot: Slot, roots: Uint8Array, index: number): boolean {
  const view = new DataView(roots.buffer, roots.byteOffset + index * TREE_HASH_BYTES);
  return view.getUint32(0) === trees.rootHi(slot) && view.getUint32(4) === trees.rootLo(slot);
}

/** Which of eight hashes differ, one bit each. */
function difference(ours: Uint8Array, theirs: Uint8Array, at: number): number {
  let bits = 0;
  for (let i = 0; i < ours.length; i++) {
    if (ours[i] !== theirs[at + i]) bits |= 1 << (i / TREE_HASH_BYTES);
  }
  return bits;
}

async function required(settled: Promise<boolean>): Promise<void> {
  if (!(await settled)) throw storageFailed();
}

function storageFailed(): KvError {
  return definite('STORAGE_FAILED', 'the storage of this node has failed during an exchange');
}
