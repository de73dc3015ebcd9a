/**
 * Compares the keys in leaves that differ, in the order of storage and page by page on both sides, and has what differs
 * moved: the higher version wins, equal ones stay where they are.
 */
import { compareBytes } from '../../base/bytes.js';
import type { Slot } from '../../ring/slot.js';
import { slotOfEngineKey } from '../../storage/keyspace.js';
import { compareVersions } from '../../version/version.js';
import { bytesField } from '../../wire/body.js';
import { TREE_KEYS } from '../../wire/message-type.js';
import type { Conversation } from './conversation.js';
import { type LeafKeysPorts, listLeafKeys } from './leaf-keys.js';
import { KEYS_BYTES_MAX, KEYS_MAX } from './limits.js';
import { type KeyVersion, packLeaves, type SlotLeaves, unpackSlots, unpackVersions } from './packed.js';
import type { RecordMover } from './record-mover.js';

/** Which way records are moved: to here, to the peer, or whichever way is needed. */
export type ExchangeDirection = 'pull' | 'push' | 'both';

/** What the peer has listed of a range. */
interface Page {
  readonly keys: readonly KeyVersion[];
  /** Where the range ends; undefined: with the last of the slots. */
  readonly upTo: Uint8Array | undefined;
}

export class KeyComparison {
  readonly #ports: LeafKeysPorts;
  readonly #conversation: Conversation;
  readonly #mover: RecordMover;
  readonly #direction: ExchangeDirection;
  /** Slots in which a key's versions differ. */
  readonly differing = new Set<Slot>();

  constructor(
    ports: LeafKeysPorts,
    conversation: Conversation,
    mover: RecordMover,
    direction: ExchangeDirection,
  ) {
    this.#ports = ports;
    this.#conversation = conversation;
    this.#mover = mover;
    this.#direction = direction;
  }

  /** @param leaves in ascending order of slots. */
  async run(leaves: readonly SlotLeaves[]): Promise<void> {
    let from: Uint8Array | undefined;
    let left = leaves;
    do {
      const page: Page = await this.#ask(left, from);
      await this.#compare(left, from, page);
      from = page.upTo;
      const firstLeft = from === undefined ? Infinity : slotOfEngineKey(from);
      left = left.filter(({ slot }) => slot >= firstLeft);
    } while (from !== undefined && left.length > 0);
  }

  async #ask(leaves: readonly SlotLeaves[], from: Uint8Array | undefined): Promise<Page> {
    const question = { leaves: packLeaves(leaves), ...(from === undefined ? {} : { from }) };
    const answer = await this.#conversation.ask(TREE_KEYS, question);
    const keys = unpackVersions(bytesField(answer, 'keys'));
    const corrupt = unpackSlots(bytesField(answer, 'corrupt'));
    const upTo = answer.upTo === null ? undefined : bytesField(answer, 'upTo');
    const isOrdered = upTo === undefined ? answer.upTo === null : isBefore(from, upTo) && upTo.length >= 2;
    if (keys === undefined || corrupt === undefined || !isOrdered || !isAsked(keys, leaves, from, upTo)) {
      throw this.#conversation.nonsense(TREE_KEYS);
    }
    for (const slot of corrupt) this.#mover.failed.add(slot);
    return { keys, upTo };
  }

  async #compare(leaves: readonly SlotLeaves[], from: Uint8Array | undefined, page: Page): Promise<void> {
    const theirs = new Map(page.keys.map((each) => [idOf(each.engineKey), each]));
    const wanted: Uint8Array[] = [];
    let at = from;
    do {
      const bounds = { from: at, to: page.upTo, keysMax: KEYS_MAX, bytesMax: KEYS_BYTES_MAX };
      const ours = await listLeafKeys(this.#ports, { leaves, ...bounds });
      for (const slot of ours.corrupt) this.#mover.failed.add(slot);
      const newerHere: Uint8Array[] = [];
      for (const mine of ours.keys) {
        const id = idOf(mine.engineKey);
        const order = orderOf(mine, theirs.get(id));
        theirs.delete(id);
        if (order > 0) newerHere.push(mine.engineKey);
        else if (order < 0) wanted.push(mine.engineKey);
      }
      this.#note(newerHere);
      if (this.#direction !== 'pull') await this.#mover.send(newerHere);
      at = ours.upTo;
    } while (at !== undefined);
    for (const { engineKey } of theirs.values()) wanted.push(engineKey); // Nothing of these is here.
    this.#note(wanted);
    if (this.#direction !== 'push') await this.#mover.fetch(wanted);
  }

  #note(engineKeys: readonly Uint8Array[]): void {
    for (const key of engineKeys) this.differing.add(slotOfEngineKey(key));
  }
}

/** Whether all these keys are of slots, and of the range, that was asked for. */
function isAsked(
  keys: readonly KeyVersion[],
  leaves: readonly SlotLeaves[],
  from: Uint8Array | undefined,
  upTo: Uint8Array | undefined,
): boolean {
  const slots = new Set<number>(leaves.map(({ slot }) => slot));
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined) return true;
  if (from !== undefined && compareBytes(first.engineKey, from) < 0) return false;
  if (upTo !== undefined && compareBytes(last.engineKey, upTo) >= 0) return false;
  return keys.every(({ engineKey }) => slots.has(slotOfEngineKey(engineKey)));
}

function isBefore(from: Uint8Array | undefined, upTo: Uint8Array): boolean {
  return from === undefined || compareBytes(from, upTo) < 0;
}

function orderOf(mine: KeyVersion, theirs: KeyVersion | undefined): number {
  return theirs === undefined ? 1 : compareVersions(mine.time, mine.node, theirs.time, theirs.node);
}

function idOf(engineKey: Uint8Array): string {
  return Buffer.from(engineKey.buffer, engineKey.byteOffset, engineKey.length).toString('latin1');
}
