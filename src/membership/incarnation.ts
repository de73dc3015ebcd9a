/**
 * This node's incarnation on disk. It is counted up at every start and whenever the node objects to an accusation, and
 * nobody waits for the disk: a count that is lost is made up for by the next objection.
 */
import { messageOf } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import { decodeBody, encodeBody, integerField } from '../wire/body.js';
import { INCARNATION_MAX } from './member-claim.js';

/** Where it is kept. */
export interface IncarnationStorage {
  read(): Uint8Array | undefined;
  write(value: Uint8Array, done: (error: Error | undefined) => void): void;
}

/** A stored count above this is damage: it would leave no room to object. */
const STORED_MAX = INCARNATION_MAX / 2;

export class StoredIncarnation {
  readonly #storage: IncarnationStorage;
  readonly #log: Log;

  constructor(storage: IncarnationStorage, log: Log) {
    this.#storage = storage;
    this.#log = log;
  }

  /** The incarnation of a node that starts now: one above the stored one, 1 without one. */
  next(): number {
    const bytes = this.#storage.read();
    const body = bytes === undefined ? undefined : decodeBody(bytes);
    const stored = body === undefined ? 0 : (integerField(body, 'incarnation', 0, STORED_MAX) ?? 0);
    this.save(stored + 1);
    return stored + 1;
  }

  save(incarnation: number): void {
    this.#storage.write(encodeBody({ incarnation }), (error) => {
      if (error === undefined) return;
      this.#log.debug('the incarnation is not stored', { incarnation, error: messageOf(error) });
    });
  }
}
